// HTTP as the rooms see it: a request, an answer, bodies that stream. No Beast here: only net's own .cpp files include it.
#pragma once
#include <filesystem>

#include "core/json.h"
#include "core/result.h"
#include "core/time.h"
#include "core/who.h"

namespace pawl::net {

enum class Method { GET, POST, PUT, PATCH, DELETE };
std::string_view name_of(Method m);

struct Pair {
  std::string name{}, value{};
};

// What arrived. `path` is percent-decoded once; `params` are the parts of it that the route names in braces.
struct Request {
  Method method{};
  std::string target{};          // as sent, with the query
  std::string path{};
  std::vector<Pair> query{};     // decoded, in order
  std::vector<Pair> headers{};   // names in lower case
  std::vector<Pair> params{};
  std::string body{};            // empty for an upload: there it streams
  std::string peer{};            // address of the other side; "unix" for the owner's socket

  std::string_view header(std::string_view lower_case_name) const;  // empty when absent
  std::string_view param(std::string_view name) const;
  std::string_view arg(std::string_view name) const;                // first of the query
};

// RFC 9457. `type` is urn:pawl:error:CODE.
struct Problem {
  std::string type{}, title{};
  std::int32_t status = 0;
  std::string detail{}, field{};
  static constexpr auto fields =
      std::tuple{pawl::field("type", &Problem::type), pawl::field("title", &Problem::title), pawl::field("status", &Problem::status),
                 pawl::field("detail", &Problem::detail), pawl::field("field", &Problem::field, {.empty = Empty::hide})};
};

// A file that is sent as it lies, in constant memory. HEAD, Range, ETag and Last-Modified are net's work.
struct FileBody {
  std::filesystem::path path{};
};

struct Response {
  int status = 0;  // 0: 200, or 204 without a body; other numbers only in net and the dialects
  std::string type = "application/json";
  std::string body{};
  std::optional<FileBody> file{};
  std::vector<Pair> headers{};
};

// A request body that streams in. Written to on a pool thread, one piece after the other; destroyed without finish() when the client goes away
// or a limit is passed: then nothing may be left behind.
class Upload {
 public:
  virtual ~Upload() = default;
  virtual Result<void> write(std::string_view piece) = 0;
  virtual Result<Response> finish() = 0;
};

// What live pages listen to: server-sent events. publish() may be called from any thread. A listener that is `behind_max` events behind is
// told "behind" once and reads the lists again.
class Live {
 public:
  using Sink = std::function<void(const std::string& frame)>;  // called on the publishing thread: hand over at once
  static constexpr std::size_t behind_max = 256;
  void publish(std::string_view event, std::string_view data);
  std::uint64_t listen(Sink sink);
  void leave(std::uint64_t listener);
  std::size_t listeners() const;

 private:
  mutable std::mutex mutex_;
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, Sink> sinks_;
};

std::string percent_decode(std::string_view text, bool plus_is_blank);  // what is no escape stays as it is
std::string percent_encode(std::string_view text);  // everything but unreserved characters and '/'
std::vector<Pair> parse_query(std::string_view query);
std::string text_of_query(const std::vector<Pair>& query);
std::optional<Method> from_name(std::string_view name);
// `target` split into path and query.
Request make_request(Method method, std::string_view target, std::string body = {});

}  // namespace pawl::net
