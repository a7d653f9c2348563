#include "net/client.h"

#include <curl/curl.h>

#include "net/router.h"
#include "net/unix_path.h"
#include "store/files.h"

namespace pawl::net {
namespace {

constexpr std::size_t answer_bytes_max = 256 << 20;
constexpr long stall_seconds_max = 60;  // a transfer below 1 byte a second for so long is given up

void start_curl() {
  static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)once;
}

// Where an answer's body goes: into a text, or into a file once the status is known to be good.
struct Sink {
  CURL* curl;
  std::string text{};
  store::NewFile* file = nullptr;
  std::optional<Error> failed{};
};
std::size_t take(char* bytes, std::size_t, std::size_t n, void* with) {
  auto& sink = *static_cast<Sink*>(with);
  long status = 0;
  curl_easy_getinfo(sink.curl, CURLINFO_RESPONSE_CODE, &status);
  if (sink.file && status >= 200 && status < 300) {
    if (auto written = sink.file->write({bytes, n}); !written) {
      sink.failed = written.error();
      return 0;
    }
  } else {
    if (sink.text.size() + n > answer_bytes_max) return 0;
    sink.text.append(bytes, n);
  }
  return n;
}
std::size_t give(char* to, std::size_t, std::size_t n, void* from) {
  return std::fread(to, 1, n, static_cast<std::FILE*>(from));
}

Error error_of(const Answer& answer) {
  // `detail` tells Command that it was the server who refused.
  Error out{code_of_status(answer.status),
            "the server answered with status " + std::to_string(answer.status),
            {},
            "status " + std::to_string(answer.status)};
  if (auto problem = decode<Problem>(answer.body, {.unknown = UnknownKeys::ignore});
      problem && !problem->detail.empty()) {
    out.message = problem->detail;
    out.field = problem->field;
    if (const auto code = code_of(problem->type)) out.code = *code;
    return out;
  }
  for (const auto* key : {"message", "error"})  // MLflow's envelope, V2's
    if (const auto text = json_at(answer.body, key))
      if (auto message = decode<std::string>(*text)) {
        out.message = *message;
        break;
      }
  return out;
}

}  // namespace

struct Client::Impl {
  ClientOptions options;
  CURL* curl = nullptr;
  std::optional<ShortPath> socket{};

  ~Impl() {
    if (curl) curl_easy_cleanup(curl);
  }
  // Everything that all requests share. Connections stay open between them.
  void prepare(Method method, std::string_view target, Sink& sink, curl_slist*& headers, std::string_view type) {
    curl_easy_reset(curl);
    const auto base = socket ? std::string("http://localhost") : options.server;
    curl_easy_setopt(curl, CURLOPT_URL, (base + std::string(target)).c_str());
    if (socket) curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket->text().c_str());
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, stall_seconds_max);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 10'000L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "pawl");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &sink);
    const std::string name(name_of(method));
    if (method == Method::GET)
      curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    else
      curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, name.c_str());
    if (!options.token.empty() && !socket)
      headers = curl_slist_append(headers, ("Authorization: Bearer " + options.token).c_str());
    if (!type.empty()) headers = curl_slist_append(headers, ("Content-Type: " + std::string(type)).c_str());
  }
  Result<Answer> perform(Sink& sink, curl_slist* headers) {
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    const auto code = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    if (sink.failed) return std::unexpected(*sink.failed);
    if (code != CURLE_OK) {
      const auto where = socket ? "the server's socket " + options.unix_socket.string() : options.server;
      return fail(code == CURLE_OPERATION_TIMEDOUT ? Code::deadline : Code::unavailable,
                  "cannot reach " + where + ": " + curl_easy_strerror(code));
    }
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return Answer{static_cast<int>(status), std::move(sink.text)};
  }
};

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>()) {
  start_curl();
  while (options.server.ends_with('/')) options.server.pop_back();
  impl_->options = std::move(options);
  impl_->curl = curl_easy_init();
  if (!impl_->options.unix_socket.empty()) impl_->socket.emplace(impl_->options.unix_socket);
}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;

Result<Answer> Client::send(Method method, std::string_view target, std::string_view body, std::string_view type) {
  Sink sink{impl_->curl};
  curl_slist* headers = nullptr;
  impl_->prepare(method, target, sink, headers, body.empty() ? std::string_view{} : type);
  curl_easy_setopt(impl_->curl, CURLOPT_TIMEOUT_MS, static_cast<long>(impl_->options.time_max.count() / 1000));
  if (!body.empty() || (method != Method::GET && method != Method::DELETE)) {
    curl_easy_setopt(impl_->curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(impl_->curl, CURLOPT_POSTFIELDS, body.data() ? body.data() : "");
    const std::string name(name_of(method));
    curl_easy_setopt(impl_->curl, CURLOPT_CUSTOMREQUEST, name.c_str());
    headers = curl_slist_append(headers, "Expect:");
  }
  return impl_->perform(sink, headers);
}

Result<void> Client::download(std::string_view target, const std::filesystem::path& to) {
  TRY(file, store::NewFile::create(to));
  Sink sink{.curl = impl_->curl, .file = &file};
  curl_slist* headers = nullptr;
  impl_->prepare(Method::GET, target, sink, headers, {});
  TRY(answer, impl_->perform(sink, headers));
  if (!answer.good()) return std::unexpected(error_of(answer));
  return file.finish();
}

Result<Answer> Client::upload(std::string_view target, const std::filesystem::path& from) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(from.c_str(), "rbe"), std::fclose);
  std::error_code ec;
  const auto size = std::filesystem::file_size(from, ec);
  if (!file || ec) return fail(Code::missing, "cannot read " + from.string());
  Sink sink{impl_->curl};
  curl_slist* headers = nullptr;
  impl_->prepare(Method::PUT, target, sink, headers, "application/octet-stream");
  curl_easy_setopt(impl_->curl, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(impl_->curl, CURLOPT_READFUNCTION, give);
  curl_easy_setopt(impl_->curl, CURLOPT_READDATA, file.get());
  curl_easy_setopt(impl_->curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(size));
  return impl_->perform(sink, headers);
}

Result<std::string> Client::call_text(Method method, std::string_view target, std::string_view body,
                                      std::string_view type) {
  TRY(answer, send(method, target, body, type));
  if (!answer.good()) return std::unexpected(error_of(answer));
  return std::move(answer.body);
}

}  // namespace pawl::net
