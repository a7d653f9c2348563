#include "serving/model/models.h"

#include "core/log.h"
#include "store/files.h"

namespace pawl::serving {
namespace {

std::string said(std::string_view model, std::int64_t version) {
  return std::string(model) + "@" + std::to_string(version);
}

}  // namespace

std::shared_ptr<Slot> Models::find(std::string_view model, std::int64_t version) const {
  const std::scoped_lock lock(mutex_);
  const auto at = slots_.find(std::pair(std::string(model), version));
  return at == slots_.end() ? nullptr : at->second;
}

void Models::add(VersionRow row) {
  const std::scoped_lock lock(mutex_);
  std::pair key(row.model, row.version);
  slots_.try_emplace(std::move(key), std::make_shared<Slot>(std::move(row)));
}

Result<std::shared_ptr<Loaded>> Models::open(const VersionRow& row) const {
  TRY(folder, store::Artifacts(artifacts_).at(row.folder));
  auto model = Model::open(folder, row.column_names);
  if (!model)
    return fail(model.error().code, said(row.model, row.version) + ": " + model.error().message, model.error().field,
                model.error().detail);
  if (!row.digest.empty() && (*model)->digest() != row.digest)
    return fail(
        Code::conflict,
        said(row.model, row.version) + ": the model file has digest " + (*model)->digest() + ", expected " + row.digest,
        "digest");
  auto warmed = warm_up(**model);
  if (!warmed)
    return fail(Code::invalid,
                said(row.model, row.version) + " does not answer made-up rows: " + warmed.error().message,
                warmed.error().field);
  return std::make_shared<Loaded>(
      Loaded{.model = std::move(*model), .us_one_row = warmed->us_one_row, .us_per_row = warmed->us_per_row});
}

Result<std::shared_ptr<const Loaded>> Models::load(Slot& slot) {
  touch(slot);
  if (auto there = slot.loaded.load()) return there;
  const std::scoped_lock one(slot.loading);
  if (auto there = slot.loaded.load()) return there;
  TRY(loaded, open(slot.row));
  std::shared_ptr<const Loaded> out = std::move(loaded);
  log::info("serving.loaded", {{"version", said(slot.row.model, slot.row.version)},
                               {"us_one_row", out->us_one_row},
                               {"bytes", out->model->bytes()}});
  slot.loaded.store(out);
  make_room();
  return out;
}

Result<VersionRow> Models::prepare(VersionRow row, Time now) {
  if (const auto slot = find(row.model, row.version); slot && slot->row.folder == row.folder &&
                                                      slot->row.column_names == row.column_names &&
                                                      (row.digest.empty() || row.digest == slot->row.digest)) {
    TRY_(load(*slot));
    return slot->row;
  }
  TRY(loaded, open(row));
  row.digest = loaded->model->digest();
  row.bytes = static_cast<std::int64_t>(loaded->model->bytes());
  row.us_one_row = loaded->us_one_row;
  row.us_per_row = loaded->us_per_row;
  row.inputs = loaded->model->inputs();
  row.outputs = loaded->model->outputs();
  row.prepared = now;
  auto slot = std::make_shared<Slot>(row);
  slot->loaded.store(std::shared_ptr<const Loaded>(std::move(loaded)));
  touch(*slot);
  {
    const std::scoped_lock lock(mutex_);
    auto& there = slots_[std::pair(row.model, row.version)];
    if (there) slot->pins = there->pins.load();
    there = std::move(slot);
  }
  make_room();
  return row;
}

std::size_t Models::bytes_loaded() const {
  const std::scoped_lock lock(mutex_);
  std::size_t bytes = 0;
  for (const auto& [key, slot] : slots_)
    if (const auto loaded = slot->loaded.load()) bytes += loaded->model->bytes();
  return bytes;
}

void Models::make_room() {
  const std::scoped_lock lock(mutex_);
  for (;;) {
    std::size_t bytes = 0;
    Slot* oldest = nullptr;
    for (const auto& [key, slot] : slots_) {
      const auto loaded = slot->loaded.load();
      if (!loaded) continue;
      bytes += loaded->model->bytes();
      if (slot->pins == 0 && slot->used != tick_ && (oldest == nullptr || slot->used < oldest->used))
        oldest = slot.get();
    }
    if (bytes <= bytes_max_ || oldest == nullptr) return;
    log::info("serving.let_go", {{"version", said(oldest->row.model, oldest->row.version)}});
    oldest->loaded.store(nullptr);
  }
}

}  // namespace pawl::serving
