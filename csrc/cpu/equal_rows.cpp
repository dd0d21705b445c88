#include "equal_rows.hpp"

#include <algorithm>
#include <functional>
#include <string_view>

#include "rows.hpp"

namespace mmkernels::cpu {
namespace {

// The bytes of a row, in place or as read into the buffer.
std::string_view bytes_of(const ArrayView& view, int64_t row, std::vector<double>& buffer) {
  if (const float* values = float_row(view, row))
    return {reinterpret_cast<const char*>(values), view.columns * sizeof(float)};
  buffer.resize(view.columns);
  read_row(view, row, buffer.data());
  return {reinterpret_cast<const char*>(buffer.data()), view.columns * sizeof(double)};
}

struct Hashed {
  size_t hash;
  int64_t row;
  bool operator<(const Hashed& other) const {
    return hash < other.hash || (hash == other.hash && row < other.row);
  }
};

}  // namespace

std::vector<int64_t> superfluous_rows(const Features& features, int64_t k) {
  // Equal rows have equal norms, to the last bit; few others do.
  std::vector<double> sorted(features.norms);
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> frequent;
  for (size_t first = 0, i = 1; i <= sorted.size(); ++i) {
    if (i < sorted.size() && sorted[i] == sorted[first]) continue;
    if (static_cast<int64_t>(i - first) > k + 1) frequent.push_back(sorted[first]);
    first = i;
  }
  std::vector<int64_t> superfluous;
  if (frequent.empty()) return superfluous;

  std::vector<Hashed> rows;
  std::vector<double> buffer, other;
  for (int64_t row = 0; row < features.view.rows; ++row)
    if (std::binary_search(frequent.begin(), frequent.end(), features.norms[row]))
      rows.push_back({std::hash<std::string_view>{}(bytes_of(features.view, row, buffer)), row});
  std::sort(rows.begin(), rows.end());
  for (size_t first = 0, i = 0; i < rows.size(); ++i) {
    // Where hashes agree and rows do not, a row starts over, and is kept.
    if (rows[i].hash != rows[first].hash ||
        bytes_of(features.view, rows[i].row, buffer) !=
            bytes_of(features.view, rows[first].row, other))
      first = i;
    if (static_cast<int64_t>(i - first) > k) superfluous.push_back(rows[i].row);
  }
  return superfluous;
}

}  // namespace mmkernels::cpu
