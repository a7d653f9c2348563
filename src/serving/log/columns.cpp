#include "serving/log/columns.h"

#include <charconv>
#include <cmath>

namespace pawl::serving {
namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

void to_texts(LogColumn& c) {
  c.texts.reserve(c.numbers.size() + 1);
  for (const double x : c.numbers) {
    c.absent.push_back(std::isnan(x) ? 1 : 0);
    c.texts.push_back(std::isnan(x) ? std::string() : text_of(x));
  }
  c.numbers.clear();
}

}  // namespace

std::string text_of(double number) {
  std::array<char, 32> out{};
  // What came as a float is written as one: 0.1, not 0.10000000149011612.
  const auto narrow = static_cast<float>(number);
  const auto end = static_cast<double>(narrow) == number ? std::to_chars(out.begin(), out.end(), narrow).ptr
                                                         : std::to_chars(out.begin(), out.end(), number).ptr;
  return {out.data(), end};
}

std::size_t size_of(const LogColumn& c) { return c.is_text() ? c.texts.size() : c.numbers.size(); }

void add_number(LogColumn& c, double value) {
  if (!c.is_text()) {
    c.numbers.push_back(value);
  } else {
    c.texts.push_back(std::isnan(value) ? std::string() : text_of(value));
    c.absent.push_back(std::isnan(value) ? 1 : 0);
  }
}
void add_text(LogColumn& c, std::string_view value) {
  if (!c.is_text()) to_texts(c);
  c.texts.emplace_back(value);
  c.absent.push_back(0);
}
void add_missing(LogColumn& c, std::size_t to_size) {
  if (c.is_text()) {
    c.texts.resize(std::max(to_size, c.texts.size()));
    c.absent.resize(c.texts.size(), 1);
  } else {
    c.numbers.resize(std::max(to_size, c.numbers.size()), nothing);
  }
}

Columns::Columns(const std::vector<std::string>& wanted) : wanted_(wanted) {
  for (const auto& name : wanted_) columns_.push_back({.name = name});
}

LogColumn* Columns::at(std::string_view name, std::size_t hint, std::size_t row) {
  LogColumn* found = hint < columns_.size() && columns_[hint].name == name ? &columns_[hint] : nullptr;
  if (found == nullptr) {
    const auto at = std::ranges::find(columns_, name, &LogColumn::name);
    if (at != columns_.end())
      found = &*at;
    else if (wanted_.empty())
      found = &columns_.emplace_back(LogColumn{.name = std::string(name)});
    else
      return nullptr;
  }
  if (size_of(*found) < row) add_missing(*found, row);
  return size_of(*found) == row ? found : nullptr;  // a name that is there twice: the first one counts
}

void Columns::add_width(const TensorView& t, std::size_t column, LogColumn& to, std::span<const std::uint32_t> picked) {
  if (t.type == v2::Type::BYTES) {
    std::size_t next = 0;
    t.each_text([&](std::size_t i, std::string_view text, bool absent) {
      if (i % t.width != column || next == picked.size() || picked[next] != i / t.width) return;
      ++next;
      if (absent)
        add_missing(to, size_of(to) + 1);
      else
        add_text(to, text);
    });
    return;
  }
  if (to.is_text()) {
    for (const auto row : picked) add_number(to, t.number(row * t.width + column));
    return;
  }
  const auto begin = to.numbers.size();
  to.numbers.resize(begin + picked.size());
  for (std::size_t i = 0; i < picked.size(); ++i) to.numbers[begin + i] = t.number(picked[i] * t.width + column);
}

std::size_t Columns::add(const TensorView& t, std::span<const std::uint32_t> picked, std::size_t row,
                         std::size_t hint) {
  if (picked.empty() || picked.back() >= t.rows) return hint;
  for (std::size_t k = 0; k < t.width; ++k) {
    if (t.width > 1) {
      name_.assign(t.name);
      name_ += '/';
      name_ += std::to_string(k);
    }
    if (auto* c = at(t.width > 1 ? std::string_view(name_) : t.name, hint, row)) {
      hint = after(*c);
      add_width(t, k, *c, picked);
    }
  }
  return hint;
}

void Columns::add_matrix(const TensorView& t, const std::vector<std::string_view>& names,
                         std::span<const std::uint32_t> picked, std::size_t row) {
  std::size_t hint = 0;
  if (picked.empty() || picked.back() >= t.rows) return;
  for (std::size_t k = 0; k < names.size(); ++k)
    if (auto* c = at(names[k], hint, row)) {
      hint = after(*c);
      add_width(t, k, *c, picked);
    }
}

std::vector<LogColumn> Columns::take(std::size_t size) {
  for (auto& c : columns_) add_missing(c, size);
  auto out = std::exchange(columns_, {});
  for (const auto& name : wanted_) columns_.push_back({.name = name});
  return out;
}

}  // namespace pawl::serving
