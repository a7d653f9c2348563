#include "app/house.h"

#include "access/routes.h"
#include "app/page.h"
#include "core/log.h"
#include "datasets/routes.h"
#include "delivery/routes.h"
#include "pipeline/routes.h"
#include "registry/routes.h"
#include "team/routes.h"
#include "tracking/routes.h"
#include "wire/mlflow/names.h"

namespace pawl::app {

House::House(const ServerSettings& settings) : settings_(settings), artifacts_(settings.data / "artifacts") {}

House::~House() {
  // What still runs asks the rooms: it ends first.
  if (desk_) desk_->close();
  if (monitoring_) monitoring_->stop();
  if (measurer_) measurer_->stop();
  if (worker_) worker_->stop();
  if (messenger_) messenger_->stop();
  if (serving_) serving_->detach();
}

Result<std::unique_ptr<House>> House::open(const ServerSettings& settings) {
  std::unique_ptr<House> house(new House(settings));
  TRY_(house->build());
  return house;
}

Result<void> House::build() {
  std::error_code ec;
  if (std::filesystem::create_directories(settings_.data, ec))
    std::filesystem::permissions(settings_.data, std::filesystem::perms::owner_all, ec);
  if (ec)
    return fail(Code::unavailable, "cannot make the data folder " + settings_.data.string() + ": " + ec.message());

  store::Options store_options{.postgres = settings_.postgres};
  if (settings_.postgres.empty()) store_options.file = settings_.data / "pawl.db";
  TRY(store, store::Store::open(store_options));
  store_ = std::move(store);
  worker_ = std::make_unique<jobs::Worker>(*store_, clock_, random_);

  TRY(access, access::Service::open(*store_, settings_.data / "keys", clock_, random_));
  access_ = std::move(access);
  TRY_(access_->may_listen_on(settings_.host));

  tracking_ = std::make_unique<tracking::Service>(
      *store_, random_, tracking::Settings{.working_folder = std::filesystem::current_path().string()});
  TRY_(tracking_->prepare(clock_));
  registry_ = std::make_unique<registry::Service>(*tracking_);
  pipeline_ = std::make_unique<pipeline::Service>(*store_, *access_, datasets_, *registry_, settings_.data / "logs");
  TRY_(pipeline_->prepare());
  access_->flows_alive_by([this](std::string_view flow, std::int64_t epoch) { return pipeline_->alive(flow, epoch); });
  worker_->follow("pipeline.tasks",
                  [this](Call& call, const store::LedgerEvent& event) { return pipeline_->take_event(call, event); });
  std::function<int()> start_runner;
  if (settings_.runner)
    start_runner = [this] {
      return pipeline::start_local_runner({.server = "http://127.0.0.1:" + std::to_string(server_->port()),
                                           .data = std::filesystem::absolute(settings_.data),
                                           .token = access_->runner_token()});
    };
  desk_ = std::make_unique<pipeline::Desk>(*store_, *pipeline_, clock_, std::move(start_runner));
  TRY(serving, serving::Service::open({.data = settings_.data, .metrics = &metrics_}, *store_, clock_, random_));
  serving_ = std::move(serving);
  serving_->work(*worker_);
  team_ = std::make_unique<team::Service>(random_);
  team_->users_known_by([this](Tx& tx, std::string_view name) -> Result<bool> {
    TRY(role, access_->role_of(tx, name));
    return role.has_value();
  });
  feed_ = std::make_unique<team::Feed>(*store_, live_);
  notifier_ = std::make_unique<team::Notifier>(*store_, clock_, random_);
  messenger_ = std::make_unique<jobs::Worker>(*store_, clock_, random_);
  notifier_->attach(*messenger_);
  log_ = std::make_unique<monitoring::ServingLog>(*serving_);
  monitoring_ = std::make_unique<monitoring::Service>(
      monitoring::Parts{.store = *store_,
                        .log = *log_,
                        .artifacts = settings_.data / "artifacts",
                        .clock = clock_,
                        .random = random_,
                        .metrics = &metrics_,
                        .notice = [this](std::string_view what, std::string_view data) { live_.publish(what, data); }});
  measurer_ = std::make_unique<jobs::Worker>(*store_, clock_, random_);
  monitoring_->attach(*measurer_);
  below_ = std::make_unique<delivery::House>(*pipeline_, *registry_, *tracking_, *access_, *serving_, *monitoring_);
  delivery_ = std::make_unique<delivery::Service>(
      delivery::Parts{.below = *below_,
                      .team = *team_,
                      .store = *store_,
                      .clock = clock_,
                      .random = random_,
                      .notice = [this](std::string_view what, std::string_view data) { live_.publish(what, data); },
                      .cache = std::filesystem::absolute(settings_.data / "cache").string()});
  registry_->guard_alias([this](Tx& tx, std::string_view model, std::string_view alias) {
    return delivery_->guards_alias(tx, model, alias);
  });
  delivery_->attach(*worker_);

  mount();
  TRY(server, net::Server::listen({.host = settings_.host,
                                   .port = settings_.port,
                                   .owner_socket = settings_.data / "owner.sock",
                                   .hosts_allowed = settings_.allow_host,
                                   .metrics = &metrics_},
                                  router_, *store_, *access_, clock_));
  server_ = std::move(server);
  serving_->attach(*server_);
  if (!access_->sign_in())
    log::warn(
        "access.no_users",
        {{"means", "every local caller is an admin, only loopback is served; the first user added turns sign-in on"}});
  return {};
}

void House::mount() {
  using enum net::Method;
  auto text = [this](std::string path, std::string about, const std::function<std::string()>& body,
                     const std::string& type) {
    router_.add_raw({.method = GET,
                     .path = std::move(path),
                     .needs = May::anything_public,
                     .on = On::io,
                     .about = std::move(about)},
                    [body, type](Ask&, const net::Request&) -> Result<net::Response> {
                      return net::Response{.type = type, .body = body()};
                    });
  };
  text("/health", "The process is up", [] { return "OK"; }, "text/plain; charset=utf-8");
  text(
      "/version", "The version of the MLflow API that is spoken", [] { return "3.18.0"; }, "text/plain; charset=utf-8");
  text(
      "/openapi.json", "Every route, its types and who may", [this] { return router_.openapi(PAWL_VERSION); },
      "application/json");
  router_.add_raw({.method = GET,
                   .path = "/metrics",
                   .needs = May::anything_public,
                   .on = On::pool,
                   .about = "Numbers about this process for Prometheus"},
                  [this](Ask&, const net::Request&) -> Result<net::Response> {
                    return net::Response{.type = std::string(net::Metrics::type), .body = metrics_.text()};
                  });

  access::mount(router_, *access_);
  tracking::mount(router_, *tracking_);
  datasets::mount(router_, datasets_);
  tracking::mount_artifacts(router_, *tracking_, *store_, artifacts_);
  registry::mount(router_, *registry_, *store_, artifacts_);
  serving::mount(router_, *serving_);
  monitoring::mount(router_, *monitoring_);
  pipeline::mount(router_, *pipeline_, *desk_);
  team::mount(router_, *team_, live_);
  team::mount_notify(router_, *notifier_);
  delivery::mount(router_, *delivery_);
  mount_page(router_, settings_.web_dir);
}

void House::run() {
  worker_->start();
  measurer_->start(1);
  monitoring_->start();
  messenger_->start(4);
  desk_->start();
  server_->run();
}

void House::stop() {
  desk_->close();  // runners that wait for work are answered first: else they would be waited for
  notifier_->close();
  server_->stop();
}

}  // namespace pawl::app
