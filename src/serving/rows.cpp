#include "serving/rows.h"

#include "core/json.h"

namespace pawl::serving {
namespace {

constexpr Sql all_endpoints_sql{
    "serving.endpoints",
    "SELECT number, name, model, replay, routing, created, regression FROM endpoint ORDER BY name"};
constexpr Sql find_endpoint_sql{
    "serving.endpoint",
    "SELECT number, name, model, replay, routing, created, regression FROM endpoint WHERE name = $1"};
constexpr Sql put_endpoint_sql{"serving.put_endpoint", R"(
  INSERT INTO endpoint (number, project_id, name, model, replay, regression, generation, routing, created)
  SELECT COALESCE(MAX(number), 0) + 1, $1, $2, $3, $4, $5, 0, '{}', $6 FROM endpoint WHERE 1 = 1
  ON CONFLICT (name) DO UPDATE SET replay = excluded.replay, regression = excluded.regression)"};
constexpr Sql put_routing_sql{"serving.put_routing",
                              "UPDATE endpoint SET routing = $2, generation = $3 WHERE number = $1"};
constexpr Sql all_versions_sql{"serving.versions", R"(
  SELECT model, version, folder, digest, bytes, column_names, us_one_row, us_per_row, inputs, outputs, prepared FROM served_version)"};
constexpr Sql is_prepared_sql{"serving.is_prepared", "SELECT 1 FROM served_version WHERE model = $1 AND version = $2"};
constexpr Sql put_version_sql{"serving.put_version", R"(
  INSERT INTO served_version (model, version, folder, digest, bytes, column_names, us_one_row, us_per_row, inputs, outputs, prepared)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
  ON CONFLICT (model, version) DO UPDATE SET folder = excluded.folder, digest = excluded.digest, bytes = excluded.bytes,
    column_names = excluded.column_names, us_one_row = excluded.us_one_row, us_per_row = excluded.us_per_row, inputs = excluded.inputs,
    outputs = excluded.outputs, prepared = excluded.prepared)"};

std::string list_text(const std::vector<std::string>& list) { return encode(list); }
std::string ports_text(const std::vector<v2::Port>& ports) { return encode(said(ports)); }
std::vector<v2::Port> read_ports(std::string_view text) {
  std::vector<v2::Port> out;
  const auto ports = decode<std::vector<PreparedPort>>(text);
  if (!ports) return out;
  for (const auto& p : *ports)
    out.push_back({.name = p.name, .type = from_word<v2::Type>(p.type).value_or(v2::Type::FP32), .shape = p.shape});
  return out;
}

EndpointRow read_endpoint(const Row& row) {
  EndpointRow out{.number = row.i64(0),
                  .name = row.text(1),
                  .model = row.text(2),
                  .replay = row.flag(3),
                  .regression = row.flag(6),
                  .created = row.time(5)};
  if (auto routing = decode<Routing>(row.view(4))) out.routing = std::move(*routing);
  return out;
}
VersionRow read_version(const Row& row) {
  return {.model = row.text(0),
          .version = row.i64(1),
          .folder = row.text(2),
          .digest = row.text(3),
          .bytes = row.i64(4),
          .column_names = decode<std::vector<std::string>>(row.view(5)).value_or(std::vector<std::string>{}),
          .us_one_row = row.real(6),
          .us_per_row = row.real(7),
          .inputs = read_ports(row.view(8)),
          .outputs = read_ports(row.view(9)),
          .prepared = row.time(10)};
}

}  // namespace

std::vector<PreparedPort> said(const std::vector<v2::Port>& ports) {
  std::vector<PreparedPort> out;
  out.reserve(ports.size());
  for (const auto& p : ports) out.push_back({.name = p.name, .type = std::string(word(p.type)), .shape = p.shape});
  return out;
}

Result<std::vector<EndpointRow>> all_endpoints(Tx& tx) { return tx.all(all_endpoints_sql, read_endpoint); }
Result<std::optional<EndpointRow>> find_endpoint(Tx& tx, std::string_view name) {
  return tx.one(find_endpoint_sql, read_endpoint, name);
}
Result<void> put_endpoint_row(Tx& tx, const NewEndpoint& e, std::string_view project, Time now) {
  TRY_(tx.exec(put_endpoint_sql, project, e.name, e.model, e.replay, e.regression, now));
  return {};
}
Result<void> put_routing(Tx& tx, std::int64_t number, const Routing& routing) {
  TRY_(tx.exec(put_routing_sql, number, encode(routing), routing.generation));
  return {};
}
Result<std::vector<VersionRow>> all_versions(Tx& tx) { return tx.all(all_versions_sql, read_version); }
Result<bool> is_prepared(Tx& tx, std::string_view model, std::int64_t version) {
  TRY(row, tx.one(is_prepared_sql, [](const Row&) { return true; }, model, version));
  return row.has_value();
}
Result<void> put_version(Tx& tx, const VersionRow& v) {
  TRY_(tx.exec(put_version_sql, v.model, v.version, v.folder, v.digest, v.bytes, list_text(v.column_names),
               v.us_one_row, v.us_per_row, ports_text(v.inputs), ports_text(v.outputs), v.prepared));
  return {};
}

}  // namespace pawl::serving
