// The HTTP client of the command line and the runner: blocking, over libcurl, keep-alive.
#pragma once
#include "net/http.h"

namespace pawl::net {

struct ClientOptions {
  std::string server{};                   // http://127.0.0.1:5000
  std::filesystem::path unix_socket{};    // the owner's socket, when set
  std::string token{};                    // sent as a bearer; never printed
  Micros time_max = std::chrono::seconds(60);
};
struct Answer {
  int status = 0;
  std::string body{};
  bool good() const { return status >= 200 && status < 300; }
};

class Client {
 public:
  explicit Client(ClientOptions options);
  ~Client();
  Client(Client&&) noexcept;
  // An error is one of the connection; an answer of any status is an Answer.
  Result<Answer> send(Method method, std::string_view target, std::string_view body = {}, std::string_view type = "application/json");
  Result<void> download(std::string_view target, const std::filesystem::path& to);
  Result<Answer> upload(std::string_view target, const std::filesystem::path& from);

  // Sends `in`, reads the answer; a problem document becomes an Error with its code, message and field.
  template <class Out, class In> Result<Out> call(Method method, std::string_view target, const In& in) {
    TRY(body, call_text(method, target, encode(in)));
    return decode<Out>(body, {.unknown = UnknownKeys::ignore});
  }
  template <class Out> Result<Out> get(std::string_view target) {
    TRY(body, call_text(Method::GET, target, {}));
    return decode<Out>(body, {.unknown = UnknownKeys::ignore});
  }
  Result<std::string> call_text(Method method, std::string_view target, std::string_view body, std::string_view type = "application/json");

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pawl::net
