// What a request said beside its inputs, column by column: {"origin": ["JFK", "LGA"], "season": "winter"}; one value for all rows, or one per row.
#pragma once
#include "serving/log/columns.h"

namespace boost::json {
class value;
}
namespace pawl::serving {

// Parsed once for all rows of a request.
class Context {
 public:
  Context(std::string_view json, std::size_t rows);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  std::size_t size() const { return members_.size(); }
  std::string_view name(std::size_t member) const { return members_[member].name; }
  enum class Kind { none, boolean, number, text, other };
  Kind kind(std::size_t member, std::size_t row) const;
  double number(std::size_t member, std::size_t row) const;          // of booleans and numbers
  std::string_view text(std::size_t member, std::size_t row) const;  // of texts
  std::string json(std::size_t member, std::size_t row) const;       // of any
  std::string row_json(std::size_t row) const;                       // as v2::context_row has it
  const boost::json::value& at(std::size_t member, std::size_t row) const;

 private:
  struct Member {
    std::string_view name{};
    const boost::json::value* value = nullptr;
  };
  struct Parsed;
  std::unique_ptr<Parsed> parsed_;
  std::vector<Member> members_;
  std::size_t rows_;
};

// Some rows of it, as rows `row` and following. Booleans are 0 and 1, null is missing, lists and objects are their JSON.
void add_context(Columns& columns, std::string_view context, std::size_t rows, std::span<const std::uint32_t> picked,
                 std::size_t row);

}  // namespace pawl::serving
