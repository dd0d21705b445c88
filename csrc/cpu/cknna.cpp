#include "cknna.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "rows.hpp"
#include "tile_kernels.hpp"

namespace mmkernels::cpu {
namespace {

constexpr int64_t kChunk = 16;  // rows per unit of work

int64_t chunks_of(int64_t n) { return (n + kChunk - 1) / kChunk; }

// A power of two that brings the largest norm to [1, 2).
double scale_of(const Features& features) {
  const double largest = *std::max_element(features.norms.begin(), features.norms.end());
  return largest > 0 ? std::exp2(-std::max(std::ilogb(largest), -1000)) : 1;
}

// body(column, value in a, value in b) for every column that both rows hold, ascending.
template <class Body>
void for_shared(const SparseKernel& a, const SparseKernel& b, int64_t row, Body&& body) {
  int64_t i = row * a.k, j = row * b.k;
  for (const int64_t end_a = i + a.k, end_b = j + b.k; i < end_a && j < end_b;) {
    const int64_t in_a = a.columns[i], in_b = b.columns[j];
    if (in_a == in_b) body(in_a, a.values[i], b.values[j]);
    i += in_a <= in_b;
    j += in_b <= in_a;
  }
}

// Where the value of (row, column) is, or null.
const double* find(const SparseKernel& kernel, int64_t row, int64_t column) {
  const auto begin = kernel.columns.begin() + row * kernel.k, end = begin + kernel.k;
  const auto found = std::lower_bound(begin, end, column);
  if (found == end || *found != column) return nullptr;
  return kernel.values.data() + (found - kernel.columns.begin());
}

}  // namespace

SparseKernel kernel_on_neighbors(const Features& features, const int64_t* lists, int64_t k,
                                 bool centred, const Call& call) {
  const int64_t n = features.view.rows, d = features.view.columns;
  const double scale = scale_of(features);
  std::vector<double> origin(d);
  if (centred)
    for (int64_t c = 0; c < d; ++c) origin[c] = features.centre[c] * scale;
  const std::vector<double> zero(d);
  SparseKernel kernel{n, k, std::vector<int64_t>(lists, lists + n * k), std::vector<double>(n * k)};
  std::vector<std::vector<double>> buffers(call.threads);
  parallel_for(chunks_of(n), call, [&](int64_t index, int thread) {
    std::vector<double>& buffer = buffers[thread];
    buffer.resize(3 * d);
    double *as_read = buffer.data(), *left = as_read + d, *right = left + d;
    // target = scale row - origin
    const auto read = [&](int64_t row, const double* from, double* target) {
      std::fill(target, target + d, 0.0);
      features.with_row(row, as_read, [&](auto* values, double) {
        row_kernels(values).add(target, values, from, scale, d);
      });
    };
    for (int64_t row = index * kChunk; row < std::min(n, (index + 1) * kChunk); ++row) {
      const auto columns = kernel.columns.begin() + row * k;
      std::sort(columns, columns + k);
      read(row, zero.data(), left);
      for (int64_t i = row * k; i < (row + 1) * k; ++i) {
        read(kernel.columns[i], origin.data(), right);
        kernel.values[i] = tile_kernels().of_doubles.dot(left, right, d);
      }
    }
  });
  return kernel;
}

double shared_product(const SparseKernel& a, const SparseKernel& b, const Call& call) {
  std::vector<double> rows(a.n);
  parallel_for(chunks_of(a.n), call, [&](int64_t index, int) {
    for (int64_t row = index * kChunk; row < std::min(a.n, (index + 1) * kChunk); ++row)
      for_shared(a, b, row, [&](int64_t, double of_a, double of_b) { rows[row] += of_a * of_b; });
  });
  return std::accumulate(rows.begin(), rows.end(), 0.0);
}

double masked_hsic(const SparseKernel& a, const SparseKernel& b, bool unbiased, const Call& call) {
  const double n = static_cast<double>(a.n);
  // Row and column sums of A and B, which are zero outside the mask, and of A_ij B_ji by row.
  std::vector<double> transposed(a.n), rows_a(a.n), rows_b(a.n), columns_a(a.n), columns_b(a.n);
  parallel_for(chunks_of(a.n), call, [&](int64_t index, int) {
    for (int64_t row = index * kChunk; row < std::min(a.n, (index + 1) * kChunk); ++row)
      for_shared(a, b, row, [&](int64_t column, double of_a, double of_b) {
        rows_a[row] += of_a;
        rows_b[row] += of_b;
        const double* other = find(b, column, row);
        if (other && find(a, column, row)) transposed[row] += of_a * *other;
      });
  });
  for (int64_t row = 0; row < a.n; ++row)
    for_shared(a, b, row, [&](int64_t column, double of_a, double of_b) {
      columns_a[column] += of_a;
      columns_b[column] += of_b;
    });
  const auto sum = [](const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0);
  };
  const auto dot = [](const std::vector<double>& u, const std::vector<double>& v) {
    return std::inner_product(u.begin(), u.end(), v.begin(), 0.0);
  };
  const double trace = sum(transposed), totals = sum(rows_a) * sum(rows_b);
  const double ab = dot(columns_a, rows_b);  // 1' A B 1
  if (unbiased) return trace + totals / ((n - 1) * (n - 2)) - 2 * ab / (n - 2);
  return trace - (ab + dot(columns_b, rows_a)) / n + totals / (n * n);
}

}  // namespace mmkernels::cpu
