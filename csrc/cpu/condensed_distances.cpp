#include "condensed_distances.hpp"

#include <algorithm>
#include <cmath>

#include "tile_kernels.hpp"

namespace mmkernels::cpu {
namespace {

constexpr int64_t kBlock = 256;  // rows of a unit of work: enough units to share, few enough to count
constexpr int64_t kCached = 16;  // rows that stay in the cache while those of a block pass by

// Eight chains, so that a narrow machine has something to add while it waits.
double cityblock(const double* a, const double* b, int64_t d) {
  constexpr int chains = 8;
  double sum[chains] = {};
  int64_t i = 0;
  for (; i + chains <= d; i += chains)
    for (int c = 0; c < chains; ++c) sum[c] += std::abs(a[i + c] - b[i + c]);
  for (; i < d; ++i) sum[0] += std::abs(a[i] - b[i]);
  return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

// Calls visit(i, j) for i < j, i in block `left` and j in block `right`.
template <class Visit>
void visit_block(int64_t left, int64_t right, int64_t n, Visit&& visit) {
  const int64_t last_row = std::min(n, (left + 1) * kBlock);
  const int64_t last_column = std::min(n, (right + 1) * kBlock);
  for (int64_t first = right * kBlock; first < last_column; first += kCached)
    for (int64_t i = left * kBlock; i < last_row; ++i)
      for (int64_t j = std::max(first, i + 1); j < std::min(first + kCached, last_column); ++j)
        visit(i, j);
}

template <class Value>
void fill(int64_t n, double* out, const Call& call, Value&& value) {
  const int64_t blocks = (n + kBlock - 1) / kBlock;
  parallel_for(blocks * (blocks + 1) / 2, call, [&](int64_t unit, int) {
    int64_t left = 0;
    for (int64_t row = blocks; unit >= row; --row) unit -= row, ++left;
    visit_block(left, left + unit, n, [&](int64_t i, int64_t j) {
      out[i * (2 * n - i - 1) / 2 + j - i - 1] = value(i, j);
    });
  });
}

}  // namespace

void condensed_distances(const double* rows, int64_t n, int64_t d, Dissimilarity kind, double* out,
                         const Call& call) {
  const auto squared = [=](int64_t i, int64_t j) {
    return tile_kernels().of_doubles.distance(rows + i * d, rows + j * d, d);
  };
  switch (kind) {
    case Dissimilarity::squared_euclidean: return fill(n, out, call, squared);
    case Dissimilarity::euclidean:
      return fill(n, out, call, [=](int64_t i, int64_t j) { return std::sqrt(squared(i, j)); });
    case Dissimilarity::half_squared:
      return fill(n, out, call, [=](int64_t i, int64_t j) { return squared(i, j) / 2; });
    case Dissimilarity::cityblock:
      return fill(n, out, call, [=](int64_t i, int64_t j) {
        return cityblock(rows + i * d, rows + j * d, d);
      });
  }
}

}  // namespace mmkernels::cpu
