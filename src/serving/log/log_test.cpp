// The prediction log below the service: ids, frames, records, tails.

#include <fstream>

#include "core/log.h"
#include "core/testing.h"
#include "serving/log/frame.h"
#include "serving/log/ids.h"
#include "serving/log/record.h"
#include "serving/log/tail.h"
#include "store/killed.h"

using namespace pawl;
using namespace pawl::serving;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "pawl-log-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
};
std::shared_ptr<Tail> tail_in(const fs::path& folder, Syncer& syncer, std::size_t segment_bytes = 1 << 20) {
  auto tail = std::make_shared<Tail>(folder, "s1", segment_bytes, syncer);
  REQUIRE(tail->open());
  return tail;
}
Record row(std::string id, Time at) { return {.received = at, .rows = 1, .request_id = std::move(id)}; }
Stamp append_to(Tail& tail, const std::string& id, Time now, Tail::Done done, const Tail::Post& post = {}) {
  const auto stamp = tail.stamp(now, 1);
  std::string frame;
  append_frame(frame, [&](std::string& out) { encode(row(id, stamp.at), out); });
  tail.append(frame, stamp.at, std::move(done), post);
  return stamp;
}
Result<void> append(Tail& tail, const std::string& id, Time now = {1000}) {
  Result<void> said = fail(Code::internal, "not called");
  append_to(tail, id, now, [&](Result<void> r) { said = std::move(r); });
  return said;
}
std::vector<std::string> ids_in(const Tail& tail) {
  std::vector<std::string> out;
  for (const auto& s : tail.segments()) {
    auto reader = SegmentReader::open(s.path, s.bytes);
    REQUIRE(reader);
    while (const auto payload = reader->next()) out.push_back(decode_record(*payload, Parts::all).value().request_id);
  }
  return out;
}
Record record() {
  return {.received = {1'360'000'000'000'000},
          .counter = 7,
          .rows = 2,
          .status = Status::ok,
          .arm = Arm::canary,
          .version = 3,
          .step = 1,
          .latency_us = 42,
          .digest = "d",
          .rollout = "r1",
          .request_id = "q1",
          .project = "default",
          .error = "",
          .key_digest = 0xFEDCBA9876543210ULL,
          .event_times = {{1}, {2}},
          .outputs = {{.name = "y", .shape = {2, 1}, .data = std::vector<float>{1.5F, 2.5F}}},
          .columns = {"p", "q"},
          .features = {{.name = "x", .shape = {2, 2}, .data = std::vector<float>{1, 2, 3, 4}}},
          .context = R"({"origin":["JFK","LGA"]})"};
}

}  // namespace

TEST_CASE("an id read back is its parts, and any change of it is no id") {
  const Ids ids("0123456789abcdef0123456789abcdef");
  const IdParts parts{.endpoint = 5, .server = 0xDEADBEEF, .at = {1'360'000'000'123'456}, .counter = 42};
  const auto id = ids.write(parts);
  CHECK(id.size() == 40);
  CHECK(id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos);
  CHECK(ids.read(id) == parts);
  for (std::size_t i = 0; i < id.size(); ++i) {
    auto forged = id;
    forged[i] = forged[i] == 'A' ? 'B' : 'A';
    CHECK(!ids.read(forged));
  }
  CHECK(!ids.read(""));
  CHECK(!ids.read(id + "A"));
  CHECK(!ids.read(std::string(40, '+')));
  CHECK(!Ids("another key of another server......").read(id));
}

TEST_CASE("ids of many parts are all read back") {
  const Ids ids("k");
  for_random_cases(500, [&] {
    const IdParts parts{.endpoint = *rc::gen::arbitrary<std::uint32_t>(),
                        .server = *rc::gen::arbitrary<std::uint32_t>(),
                        .at = {*rc::gen::arbitrary<std::int64_t>()},
                        .counter = *rc::gen::arbitrary<std::uint32_t>()};
    RC_ASSERT(ids.read(ids.write(parts)) == parts);
  });
}

TEST_CASE("the keyed digest is HMAC-SHA-256") {
  const std::string key = "a key", text = "N12345";
  const auto whole = hmac_sha256(key, text);
  std::uint64_t first = 0;
  for (std::size_t i = 0; i < 8; ++i) first = first << 8 | static_cast<unsigned char>(whole[i]);
  CHECK(Ids(key).digest_of(text) == first);
}

TEST_CASE("the key is made once, for its owner only") {
  const Folder folder;
  SystemRandom random;
  const auto first = own_key(folder.path / "keys/p.key", random), second = own_key(folder.path / "keys/p.key", random);
  REQUIRE(first);
  CHECK(*first == second.value());
  CHECK((fs::status(folder.path / "keys/p.key").permissions() & fs::perms::all) ==
        (fs::perms::owner_read | fs::perms::owner_write));
  std::ofstream(folder.path / "short.key") << "abc";
  CHECK(own_key(folder.path / "short.key", random).error().message.contains("not 32 bytes"));
}

TEST_CASE("the check sum is CRC-32C") {
  CHECK(crc32c("123456789") == 0xE3069283U);  // the standard's own example
  CHECK(crc32c("") == 0);
}

TEST_CASE("a record read back is the record, and a cut one is none") {
  const auto sent = record();
  std::string payload;
  encode(sent, payload);
  CHECK(decode_record(payload, Parts::all) == sent);
  CHECK(decode_record(payload, Parts::head)->latency_us == 42);
  CHECK(decode_record(payload, Parts::outputs)->outputs == sent.outputs);
  for (std::size_t n = 0; n < payload.size(); ++n)
    CHECK(!decode_record(std::string_view(payload).substr(0, n), Parts::all));
  CHECK(time_of(payload) == sent.received);
}

TEST_CASE("a row of a record is an object of its columns") {
  const auto r = record();
  CHECK(row_json(r.features, 1, r.columns) == R"({"p":3,"q":4})");
  CHECK(row_json(r.features, 0) == R"({"x":[1,2]})");
  CHECK(row_json(r.outputs, 1) == R"({"y":2.5})");
  CHECK(row_json({{.name = "t", .shape = {2}, .data = std::vector<std::string>{"", "b"}, .missing = {0}}}, 0) ==
        R"({"t":null})");
}

TEST_CASE("frames are read in the order they were written, across segments and restarts") {
  const Folder folder;
  Syncer syncer;
  std::vector<std::string> wrote;
  for (int start = 0; start < 3; ++start) {
    const auto tail = tail_in(folder.path, syncer, 100);
    for (int i = 0; i < 5; ++i) {
      wrote.push_back("id-" + std::to_string(start) + "-" + std::to_string(i));
      CHECK(append(*tail, wrote.back(), {1000 + start}));
    }
    CHECK(ids_in(*tail) == wrote);
  }
  const auto tail = tail_in(folder.path, syncer, 100);
  CHECK(tail->segments().size() > 3);
  CHECK(ids_in(*tail) == wrote);
}

TEST_CASE("stamps never go back, also when the clock does and after a restart") {
  const Folder folder;
  Syncer syncer;
  Stamp last;
  for (const std::int64_t now : {5000, 4000, 6000}) {
    const auto tail = tail_in(folder.path, syncer);
    for (int i = 0; i < 3; ++i) {
      const auto s = append_to(*tail, "x", {now}, [](const Result<void>&) {});
      CHECK((s.at > last.at || (s.at == last.at && s.counter > last.counter)));
      last = s;
    }
  }
}

TEST_CASE("one turn of the loop writes once, then everyone hears of it") {
  const Folder folder;
  Syncer syncer;
  const auto tail = tail_in(folder.path, syncer);
  std::vector<std::move_only_function<void()>> posted;
  int heard = 0;
  for (int i = 0; i < 3; ++i)
    append_to(
        *tail, "x", {1}, [&](const Result<void>& r) { heard += r.has_value(); },
        [&](std::move_only_function<void()> f) { posted.push_back(std::move(f)); });
  CHECK(posted.size() == 1);
  CHECK(heard == 0);
  CHECK(ids_in(*tail).empty());
  posted[0]();
  CHECK(heard == 3);
  CHECK(ids_in(*tail).size() == 3);
}

TEST_CASE("a tail that was torn anywhere is cut to its last whole frame and goes on from there") {
  log::set(log::Level::error, log::Form::text);  // each cut is told of
  const Folder made;
  {
    Syncer syncer;
    const auto tail = tail_in(made.path, syncer);
    for (const auto* id : {"one", "two", "three"}) CHECK(append(*tail, id));
  }
  const auto file = fs::directory_iterator(made.path)->path();
  const auto whole = fs::file_size(file);
  std::string bytes(whole, '\0');
  std::ifstream(file, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(whole));
  const auto frame = [&](std::size_t n) { return frame_head_bytes + static_cast<unsigned char>(bytes[n]); };
  const std::size_t ends[] = {frame(0), frame(0) + frame(frame(0))};
  for (std::size_t cut = 0; cut < whole; ++cut) {
    const Folder folder;
    std::ofstream(folder.path / file.filename(), std::ios::binary) << bytes.substr(0, cut);
    Syncer syncer;
    const auto tail = tail_in(folder.path, syncer);
    std::vector<std::string> want;
    if (cut >= ends[0]) want.emplace_back("one");
    if (cut >= ends[1]) want.emplace_back("two");
    CHECK(ids_in(*tail) == want);
    CHECK(append(*tail, "four"));
    want.emplace_back("four");
    CHECK(ids_in(*tail) == want);
  }
}

TEST_CASE("a flipped bit ends what is read there") {
  const Folder folder;
  Syncer syncer;
  {
    const auto tail = tail_in(folder.path, syncer);
    CHECK(append(*tail, "one"));
    CHECK(append(*tail, "two"));
  }
  const auto file = fs::directory_iterator(folder.path)->path();
  std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
  out.seekp(static_cast<std::streamoff>(fs::file_size(file)) - 3);
  out.put('~');
  out.close();
  CHECK(ids_in(*tail_in(folder.path, syncer)) == std::vector<std::string>{"one"});
}

TEST_CASE("a full disk refuses and leaves no half frame, and what comes after it is kept") {
  const Folder folder;
  Syncer syncer;
  const auto tail = tail_in(folder.path, syncer);
  CHECK(append(*tail, "one"));
  fail_log_write_after(1);
  const auto refused = append(*tail, "two");
  REQUIRE(!refused);
  CHECK(refused.error().code == Code::unavailable);
  CHECK(refused.error().message == "the disk is full");
  CHECK(append(*tail, "three"));
  CHECK(ids_in(*tail) == std::vector<std::string>{"one", "three"});
  CHECK(ids_in(*tail_in(folder.path, syncer)) == std::vector<std::string>{"one", "three"});
}

TEST_CASE("what was acknowledged before kill -9 is there afterwards") {
  const Folder folder;
  const auto last = store::killed_after(2000, [&](const auto& tell) {
    Syncer syncer;
    auto tail = std::make_shared<Tail>(folder.path, "s1", 4096, syncer);
    if (!tail->open()) return;
    for (std::uint32_t i = 0;; ++i) {
      bool good = false;
      append_to(*tail, std::to_string(i), {1000 + i}, [&](const Result<void>& r) { good = r.has_value(); });
      if (!good) return;
      tell(i);
    }
  });
  Syncer syncer;
  const auto found = ids_in(*tail_in(folder.path, syncer));
  REQUIRE(found.size() > last);
  for (std::uint32_t i = 0; i <= last; ++i) REQUIRE(found[i] == std::to_string(i));
}
