#include <charconv>

#include "core/log.h"
#include "net/server.h"
#include "serving/service_impl.h"
#include "store/files.h"

namespace pawl::serving {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t name_chars_max = 100;

// The name becomes a folder and a part of addresses.
Result<void> check_name(std::string_view name) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  if (name.empty() || name.size() > name_chars_max || name.find_first_not_of(allowed) != name.npos ||
      name.front() == '.')
    return fail(Code::invalid,
                "the endpoint's name \"" + std::string(name.substr(0, name_chars_max)) + "\": expected 1 to " +
                    std::to_string(name_chars_max) + " letters, digits, '-', '_' or '.', no dot in front",
                "name");
  return {};
}

Result<void> check_routing(const Routing& r) {
  double sum = 0;
  int live = 0;
  for (const auto& a : r.arms) {
    if (!(a.share >= 0 && a.share <= 1))
      return fail(
          Code::invalid,
          "the share of version " + std::to_string(a.version) + " is " + std::to_string(a.share) + ": expected 0 to 1",
          "arms");
    if (a.arm == Arm::direct) return fail(Code::invalid, "an arm is live or canary", "arms");
    if (std::ranges::count(r.arms, a.version, &ArmShare::version) > 1)
      return fail(Code::invalid, "version " + std::to_string(a.version) + " is there twice", "arms");
    live += a.arm == Arm::live;
    sum += a.share;
  }
  if (r.arms.empty()) return {};
  if (live != 1) return fail(Code::invalid, "expected one live version, got " + std::to_string(live), "arms");
  if (sum < 1 - 1e-9 || sum > 1 + 1e-9)
    return fail(Code::invalid, "the shares add up to " + std::to_string(sum) + ": expected 1", "arms");
  return {};
}

// This server's number, in every id it gives: drawn once, kept in the data folder.
Result<std::uint32_t> own_number(const fs::path& file, Random& random) {
  std::error_code ec;
  if (!fs::exists(file, ec)) TRY_(store::write_file(file, random.hex_bytes(4)));
  TRY(text, store::read_file(file));
  std::uint32_t number = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (bad != std::errc{} || text.size() != 8)
    return fail(Code::internal, "predictions/server does not hold 8 hex digits", {}, file.string());
  return number;
}

std::unexpected<Error> no_endpoint(std::string_view name) {
  return fail(Code::missing, "there is no endpoint \"" + std::string(name.substr(0, 200)) + "\"", "name");
}

}  // namespace

Service::Impl::Impl(Options o, store::Store& s, const Clock& c, Random& r, std::string_view key, std::uint32_t number)
    : options(std::move(o)),
      store(s),
      clock(c),
      random(r),
      ids(key),
      server_number(number),
      server_name(hex({reinterpret_cast<const char*>(&number), sizeof number})),
      models(options.artifacts, options.model_bytes_max) {
  std::uint64_t start = 0;
  random.fill({reinterpret_cast<char*>(&start), sizeof start});
  keyless = start;
}

Service::Service(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Service::~Service() = default;

Result<std::unique_ptr<Service>> Service::open(Options options, store::Store& store, const Clock& clock,
                                               Random& random) {
  if (options.artifacts.empty()) options.artifacts = options.data / "artifacts";
  TRY(key, own_key(options.data / "keys/predictions.key", random));
  TRY(number, own_number(options.data / "predictions/server", random));
  auto impl = std::make_unique<Impl>(std::move(options), store, clock, random, key, number);
  TRY_(store.read([&](Tx& tx) -> Result<void> {
    TRY(versions, all_versions(tx));
    for (auto& v : versions) impl->models.add(std::move(v));
    TRY(endpoints, all_endpoints(tx));
    for (const auto& e : endpoints) impl->place(e);
    return {};
  }));
  return std::unique_ptr<Service>(new Service(std::move(impl)));
}

void Service::attach(net::Server& server) {
  impl_->server = &server;
  for (const auto& [name, endpoint] : *impl_->table.load())
    impl_->on_pool([impl = impl_.get(), endpoint] { impl->load_all(endpoint); });
}
void Service::detach() { impl_->server = nullptr; }

void Service::Impl::on_pool(std::move_only_function<void()> work) {
  if (auto* s = server.load())
    s->on_pool(std::move(work));
  else
    work();
}
Tail::Post Service::Impl::post() const {
  auto* s = server.load();
  if (s == nullptr) return {};
  return [s](std::move_only_function<void()> work) { s->on_io(std::move(work)); };
}

std::shared_ptr<const EndpointNow> Service::Impl::find(std::string_view name) const {
  const auto now = table.load();
  const auto at = now->find(name);
  return at == now->end() ? nullptr : at->second;
}
Result<std::shared_ptr<const EndpointNow>> Service::Impl::find_or_fail(std::string_view name) const {
  auto found = find(name);
  if (!found) return no_endpoint(name);
  return found;
}
std::shared_ptr<const EndpointNow> Service::Impl::find(std::uint32_t number) const {
  const auto now = table.load();
  for (const auto& [name, endpoint] : *now)
    if (endpoint->row.number == static_cast<std::int64_t>(number)) return endpoint;
  return nullptr;
}

void Service::Impl::place(const EndpointRow& row) {
  const std::scoped_lock lock(table_mutex);
  const auto before = table.load();
  const auto old = before->find(row.name);
  auto now = std::make_shared<EndpointNow>(EndpointNow{.row = row});
  for (const auto& share : row.routing.arms)
    now->arms.push_back({.share = share, .slot = models.find(row.model, share.version)});
  std::ranges::sort(now->arms, {},
                    [](const auto& a) { return std::pair(a.share.arm != Arm::canary, a.share.version); });
  if (old != before->end()) {
    now->tail = old->second->tail;
    now->labels = old->second->labels;
    now->label_book = old->second->label_book;
    now->book = old->second->book;
  } else {
    const auto folder = options.data / "predictions" / row.name;
    now->tail = std::make_shared<Tail>(folder / "rows", server_name, options.segment_bytes_max, syncer);
    now->labels = std::make_shared<Tail>(folder / "labels", server_name,
                                         std::min(options.segment_bytes_max, labels_segment_bytes_max), syncer);
    now->label_book = std::make_shared<LabelBook>(folder / "sealed-labels", now->labels);
    now->book = std::make_shared<EndpointNow::Book>();
  }
  for (const auto& a : now->arms)
    if (a.slot) ++a.slot->pins;
  if (old != before->end())
    for (const auto& a : old->second->arms)
      if (a.slot) --a.slot->pins;
  auto after = std::make_shared<Table>(*before);
  (*after)[row.name] = std::move(now);
  table.store(std::move(after));
}

// What a request would else wait for: the log's tail and the models.
void Service::Impl::load_all(const std::shared_ptr<const EndpointNow>& endpoint) {
  const auto told = [&](const Result<void>& r) {
    if (!r)
      log::error("serving.not_ready",
                 {{"endpoint", endpoint->row.name}, {"why", r.error().message}, {"detail", r.error().detail}});
  };
  told(endpoint->tail->open());
  for (const auto& a : endpoint->arms) {
    if (!a.slot) continue;
    auto loaded = models.load(*a.slot);
    told(loaded ? Result<void>{} : std::unexpected(loaded.error()));
  }
}

Result<Prepared> Service::prepare(const std::string& model, std::int64_t version, const std::string& folder,
                                  const std::string& digest, std::vector<std::string> inputs) {
  auto& s = *impl_;
  TRY(row,
      s.models.prepare(
          {.model = model, .version = version, .folder = folder, .digest = digest, .column_names = std::move(inputs)},
          s.clock.now()));
  TRY_(s.store.write([&](Tx& tx) { return put_version(tx, row); }));
  return Prepared{.model = row.model,
                  .version = row.version,
                  .digest = row.digest,
                  .bytes = row.bytes,
                  .warm_us = row.us_one_row,
                  .inputs = said(row.inputs),
                  .outputs = said(row.outputs)};
}

Result<void> Service::put_endpoint(Call& call, const NewEndpoint& endpoint) {
  TRY_(check_name(endpoint.name));
  TRY(before, find_endpoint(call.tx, endpoint.name));
  if (before && before->model != endpoint.model)
    return fail(Code::conflict,
                "the endpoint " + endpoint.name + " serves the model " + before->model + ", not " + endpoint.model +
                    ": choose another name",
                "name");
  TRY_(put_endpoint_row(call.tx, endpoint, call.project, call.now()));
  TRY(row, find_endpoint(call.tx, endpoint.name));
  if (!row) return fail(Code::internal, "the endpoint " + endpoint.name + " was not kept");
  call.tx.after_commit([impl = impl_.get(), row = std::move(*row)] { impl->place(row); });
  return {};
}

Result<Routing> Service::set_routing(Call& call, const std::string& endpoint, Routing routing) {
  TRY_(check_routing(routing));
  TRY(row, find_endpoint(call.tx, endpoint));
  if (!row) return no_endpoint(endpoint);
  for (const auto& a : routing.arms) {
    TRY(there, is_prepared(call.tx, row->model, a.version));
    if (!there)
      return fail(Code::conflict,
                  row->model + "@" + std::to_string(a.version) +
                      " was not prepared: it must be loaded and proven before it is served",
                  "arms");
  }
  routing.generation = row->routing.generation + 1;
  TRY_(put_routing(call.tx, row->number, routing));
  row->routing = routing;
  call.tx.after_commit([impl = impl_.get(), row = std::move(*row)] {
    impl->place(row);
    // Prepared versions are loaded already, unless another server did it or the budget took them back.
    impl->on_pool([impl, name = row.name] {
      if (const auto now = impl->find(name)) impl->load_all(now);
    });
  });
  return routing;
}

Result<Routing> Service::routing(Tx& tx, const std::string& endpoint) {
  TRY(row, find_endpoint(tx, endpoint));
  if (!row) return no_endpoint(endpoint);
  return std::move(row->routing);
}

bool Service::ready() const {
  for (const auto& [name, endpoint] : *impl_->table.load())
    for (const auto& a : endpoint->arms)
      if (!a.slot || !a.slot->loaded.load()) return false;
  return true;
}
Result<bool> Service::ready(std::string_view name, std::optional<std::int64_t> version) const {
  TRY(endpoint, impl_->find_or_fail(name));
  if (version) {
    const auto slot = impl_->models.find(endpoint->row.model, *version);
    if (!slot)
      return fail(Code::missing, "the endpoint " + endpoint->row.name + " has no version " + std::to_string(*version),
                  "version");
    return slot->loaded.load() != nullptr;
  }
  return !endpoint->arms.empty() &&
         std::ranges::all_of(endpoint->arms, [](const auto& a) { return a.slot && a.slot->loaded.load(); });
}

Result<v2::ModelMetadata> Service::metadata(std::string_view name, std::optional<std::int64_t> version) const {
  TRY(endpoint, impl_->find_or_fail(name));
  v2::ModelMetadata out{.name = endpoint->row.name};
  std::shared_ptr<Slot> slot;
  if (version) {
    slot = impl_->models.find(endpoint->row.model, *version);
    if (!slot)
      return fail(Code::missing, "the endpoint " + endpoint->row.name + " has no version " + std::to_string(*version),
                  "version");
  } else if (const auto* live = endpoint->live()) {
    slot = live->slot;
  }
  std::vector<std::int64_t> numbers;
  for (const auto& a : endpoint->arms) numbers.push_back(a.share.version);
  std::ranges::sort(numbers);
  for (const auto n : numbers) out.versions.push_back(std::to_string(n));
  if (slot) {
    out.inputs = slot->row.inputs;
    out.outputs = slot->row.outputs;
  }
  return out;
}

void Service::infer(Inference request, Answered answered) { impl_->infer(std::move(request), std::move(answered)); }

Result<Tally> Service::Impl::tally(const EndpointNow& endpoint, const std::string& rollout, std::int64_t step,
                                   Arm arm) {
  const std::scoped_lock lock(endpoint.book->mutex);
  TRY_(catch_up(endpoint));
  return endpoint.book->tallies.of(rollout, step, arm);
}
Result<Tally> Service::tally(const std::string& name, const std::string& rollout, std::int64_t step, Arm arm) {
  TRY(endpoint, impl_->find_or_fail(name));
  return impl_->tally(*endpoint, rollout, step, arm);
}

Result<Endpoint> Service::Impl::describe(const EndpointNow& e) {
  const auto& routing = e.row.routing;
  Endpoint out{.name = e.row.name,
               .model = e.row.model,
               .replay = e.row.replay,
               .ready = !e.arms.empty(),
               .rollout = routing.rollout,
               .step = routing.step,
               .generation = routing.generation,
               .created = to_rfc3339(e.row.created)};
  for (const auto& a : e.arms) {
    TRY(counted, tally(e, routing.rollout, routing.step, a.share.arm));
    const bool loaded = a.slot && a.slot->loaded.load();
    out.ready = out.ready && loaded;
    out.arms.push_back({.version = a.share.version,
                        .share = a.share.share,
                        .arm = a.share.arm,
                        .ready = loaded,
                        .digest = a.slot ? a.slot->row.digest : "",
                        .tally = std::move(counted)});
  }
  const std::scoped_lock lock(e.book->mutex);
  TRY_(catch_up(e));
  out.predictions = e.book->tallies.rows_answered();
  return out;
}
Result<std::vector<Endpoint>> Service::endpoints() {
  std::vector<Endpoint> out;
  for (const auto& [name, endpoint] : *impl_->table.load()) {
    TRY(described, impl_->describe(*endpoint));
    out.push_back(std::move(described));
  }
  return out;
}
Result<Endpoint> Service::endpoint(const std::string& name) {
  TRY(endpoint, impl_->find_or_fail(name));
  return impl_->describe(*endpoint);
}

}  // namespace pawl::serving
