// The way of a request that server.cpp and handle_now share.
#pragma once
#include "net/router.h"

namespace pawl::net {

// The answer to what find() did not find: 404, or 405 with Allow.
Response not_found(const Error& error, std::string_view path);
// Gives every answer its status; an error becomes the dialect's envelope. What is our fault is logged.
Response finish(Result<Response> result, const Route& route, std::string_view request_id);
// Runs `f` and makes an exception an internal error with a log line: the only place where exceptions end.
template <class F> Result<Response> guarded(F&& f, const Route& route, std::string_view request_id);
Result<Response> caught(const Route& route, std::string_view request_id);  // inside a catch block

template <class F> Result<Response> guarded(F&& f, const Route& route, std::string_view request_id) {
  try {
    return f();
  } catch (...) {
    return caught(route, request_id);
  }
}

}  // namespace pawl::net
