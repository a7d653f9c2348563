#include "datasets/routes.h"

namespace pawl::datasets {
namespace {

constexpr std::int64_t page_max = 200;

struct ListAsk {
  std::string name{}, flow{};
  DatasetId after{};
  std::int64_t limit = 50;
  static constexpr auto fields =
      std::tuple{field("name", &ListAsk::name), field("flow", &ListAsk::flow, {.about = "only what this flow used"}),
                 field("after", &ListAsk::after), field("limit", &ListAsk::limit)};
};
struct VersionList {
  std::vector<DatasetVersion> items{};
  std::string next{};
  static constexpr auto fields = std::tuple{field("items", &VersionList::items), field("next", &VersionList::next)};
};
struct OneAsk {
  DatasetId id{};
  static constexpr auto fields = std::tuple{field("id", &OneAsk::id, {.required = true})};
};
struct One {
  DatasetVersion version{};
  std::vector<DatasetUse> used_by{};
  static constexpr auto fields = std::tuple{field("version", &One::version), field("used_by", &One::used_by)};
};

}  // namespace

void mount(net::Router& at, Service& datasets) {
  at.add({.method = net::Method::GET,
          .path = "/api/pawl/v1/datasets",
          .needs = May::read,
          .on = On::reader,
          .about = "Dataset versions, newest first"},
         [&datasets](Call& call, const ListAsk& in) -> Result<VersionList> {
           VersionList out;
           if (!in.flow.empty()) {
             TRY(uses, datasets.of_flow(call.tx, in.flow));
             for (const auto& use : uses) {
               TRY(version, datasets.find(call.tx, use.version));
               version.profile.text.clear();
               out.items.push_back(std::move(version));
             }
             return out;
           }
           const auto limit = std::clamp<std::int64_t>(in.limit, 1, page_max);
           TRY(items, datasets.list(call.tx, in.name, in.after, limit));
           out.items = std::move(items);
           if (static_cast<std::int64_t>(out.items.size()) == limit) out.next = out.items.back().id.text;
           return out;
         });
  at.add({.method = net::Method::GET,
          .path = "/api/pawl/v1/datasets/{id}",
          .needs = May::read,
          .on = On::reader,
          .about = "A dataset version with its profile and the flows that used it"},
         [&datasets](Call& call, const OneAsk& in) -> Result<One> {
           TRY(version, datasets.find(call.tx, in.id));
           TRY(users, datasets.users(call.tx, in.id));
           return One{std::move(version), std::move(users)};
         });
}

}  // namespace pawl::datasets
