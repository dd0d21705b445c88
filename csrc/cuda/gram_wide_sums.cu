// HSIC in float64 throughout, of the few kernels whose tiles have lost their digits to float32: see
// cpu/exact_sums.cpp. Entries are centred before they are multiplied, in two passes over all pairs
// of samples, from the rows as given. Most launches of these kernels do nothing.
#include <cmath>

#include "block_sums.cuh"
#include "gram_pass.cuh"

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = 256, kAcross = 16, kEach = kWideSide / kAcross;  // 4 x 4 values a thread
constexpr int kAtOnce = 16;  // features in shared memory
constexpr int kStaged = 2 * kAtOnce * kWideSide, kTileValues = kWideSide * kWideSide;
// Features, tiles of two matrices, and what sums of the block need.
constexpr size_t kWideBytes = (kStaged + 2 * kTileValues) * sizeof(double) + kBlockSumBytes;

// What rounding leaves of an entry that centring should make 0, as a share of what it was.
constexpr double kEntryError = 0x1p-46;

// Where the first of a thread's values is in a tile, which holds 4 rows and 4 columns for it.
__device__ __forceinline__ int first_row() { return ptx::thread() / kAcross * kEach; }
__device__ __forceinline__ int first_column() { return ptx::thread() % kAcross * kEach; }

// body(row of the tile, column, place in it) for each of them.
template <class Body>
__device__ __forceinline__ void for_own_values(Body&& body) {
#pragma unroll 1
  for (int v = 0; v < kEach * kEach; ++v) {
    const int r = first_row() + v / kEach, c = first_column() + v % kEach;
    body(r, c, r * kWideSide + c);
  }
}

__device__ __forceinline__ double wide_value(const KernelMatrix& matrix, int64_t i, int64_t j, double sum) {
  const KernelState& state = *matrix.state;
  if (matrix.choice.kernel == Kernel::linear) return sum;
  if (matrix.choice.kernel == Kernel::polynomial) {
    const double v = matrix.wide_terms[i] + matrix.wide_terms[j] + state.wide_factor * sum;
    double power = 0;
    for (int k = matrix.choice.degree - 2; k >= 0; --k) power = power * v + matrix.wide_powers[k];
    return state.wide_linear * sum + v * v * power - state.shift;
  }
  const double distance = std::sqrt(sum);
  if (matrix.choice.kernel == Kernel::distance) return -distance - state.shift;
  const double width = state.bandwidth * split_scale(matrix.features);
  const double ratio = distance == 0 ? 0 : distance / width;
  const double exponent = matrix.choice.kernel == Kernel::gaussian ? -ratio * ratio / 2 : -ratio;
  return (state.minus_one ? std::expm1(exponent) : std::exp(exponent)) - state.shift;
}

__device__ __forceinline__ double wide_diagonal(const KernelMatrix& matrix, int64_t i) {
  if (matrix.of_distances()) return diagonal_value(matrix, *matrix.state, i);
  const double norm = matrix.features.centred_norms[i] * split_scale(matrix.features);
  return wide_value(matrix, i, i, norm * norm);
}

// A tile of 64 x 64; threads write their own values alone, after all have met.
__device__ __forceinline__ void wide_tile(const KernelMatrix& matrix, int64_t row, int64_t column,
                                          double* staged, double* tile) {
  const Features& features = matrix.features;
  const bool apart = matrix.of_distances();
  const double scale = split_scale(features);
  double sums[kEach][kEach] = {};
  for (int64_t first = 0; first < features.view.columns; first += kAtOnce) {
    ptx::sync_threads();
    for (int v = ptx::thread(); v < kStaged; v += kThreads) {
      const int64_t feature = first + v % kAtOnce;
      const int line = v / kAtOnce % kWideSide, side = v / kAtOnce / kWideSide;
      const int64_t sample = (side ? column : row) + line;
      double value = 0;
      if (sample < features.view.rows && feature < features.view.columns)
        value = scale * (apart ? plain_value(features, sample, feature)
                               : centred_value(features, sample, feature));
      staged[(side * kAtOnce + v % kAtOnce) * kWideSide + line] = value;
    }
    ptx::sync_threads();
    for (int c = 0; c < kAtOnce; ++c) {
      const double* rows = staged + c * kWideSide + first_row();
      const double* columns = staged + (kAtOnce + c) * kWideSide + first_column();
#pragma unroll
      for (int i = 0; i < kEach; ++i)
#pragma unroll
        for (int j = 0; j < kEach; ++j) {
          const double difference = rows[i] - columns[j];
          sums[i][j] += apart ? difference * difference : rows[i] * columns[j];
        }
    }
  }
#pragma unroll
  for (int i = 0; i < kEach; ++i)
#pragma unroll
    for (int j = 0; j < kEach; ++j)
      tile[(first_row() + i) * kWideSide + first_column() + j] = sums[i][j];
  for_own_values([&](int r, int c, int at) {
    if (row + r < features.view.rows && column + c < features.view.rows)
      tile[at] = wide_value(matrix, row + r, column + c, tile[at]);
  });
}

// wide_rows[m][i] = the sum over j != i of K_ij; a block for 64 rows of a matrix.
__global__ __launch_bounds__(kThreads, 1) void add_wide_rows(GramPass pass, int64_t panels) {
  const int64_t m = ptx::block() / panels, row = ptx::block() % panels * kWideSide;
  const KernelMatrix& matrix = pass.matrices[m];
  if (!pass.lost[pass.count] || !matrix.state->usable) return;
  auto* staged = reinterpret_cast<double*>(ptx::shared());
  double* tile = staged + kStaged;
  double sum = 0;  // of a row by four threads, each every fourth column
  const int line = ptx::thread() / 4, quarter = ptx::thread() % 4;
  for (int64_t column = 0; column < pass.samples; column += kWideSide) {
    wide_tile(matrix, row, column, staged, tile);
    ptx::sync_threads();
    for (int c = quarter; c < kWideSide; c += 4)
      if (column + c < pass.samples && row + line != column + c) sum += tile[line * kWideSide + c];
  }
  for (int mask = 1; mask < 4; mask *= 2) sum += ptx::shuffle_xor(sum, mask);
  if (quarter == 0 && row + line < pass.samples)
    pass.wide_rows[m * pass.samples + row + line] = sum;
}

// wide_rows[m][i] = what is to be taken off entry ij for i (and for j), so that all rows of a
// U-centred matrix, its diagonal left out, or of H K H, add up to 0. A block for a matrix.
__global__ __launch_bounds__(kThreads, 1) void centre_wide_rows(GramPass pass, Estimator estimator) {
  const KernelMatrix& matrix = pass.matrices[ptx::block()];
  if (!pass.lost[pass.count] || !matrix.state->usable) return;
  auto* slots = reinterpret_cast<double*>(ptx::shared());
  double* sums = pass.wide_rows + ptx::block() * pass.samples;
  const double n = static_cast<double>(pass.samples);
  const bool song = estimator == Estimator::song;
  double total = 0;
  for (int64_t i = ptx::thread(); i < pass.samples; i += kThreads) {
    sums[i] = counted(estimator, sums[i], song ? 0 : wide_diagonal(matrix, i));
    total += sums[i];
  }
  total = sum_of_block(total, slots);
  const double rows = song ? n - 2 : n, all = song ? 2 * (n - 1) * (n - 2) : 2 * n * n;
  for (int64_t i = ptx::thread(); i < pass.samples; i += kThreads)
    sums[i] = sums[i] / rows - total / all;
}

__device__ __forceinline__ bool recomputed(const GramPass& pass, const PairOfPass& pair) {
  return (pass.lost[pair.a] || pass.lost[pair.b]) && pass.matrices[pair.a].state->usable &&
         pass.matrices[pair.b].state->usable;
}

// A block for 64 rows of a pair of matrices.
__global__ __launch_bounds__(kThreads, 1) void add_wide_products(GramPass pass, int64_t panels,
                                                              bool biased) {
  const PairOfPass pair(pass, ptx::block() / panels);
  if (!recomputed(pass, pair)) return;
  auto* staged = reinterpret_cast<double*>(ptx::shared());
  double *of_k = staged + kStaged, *of_l = of_k + kTileValues;
  const int64_t n = pass.samples, row = ptx::block() % panels * kWideSide;
  const KernelMatrix &k = pass.matrices[pair.a], &l = pass.matrices[pair.b];
  const double *rows_k = pass.wide_rows + pair.a * n, *rows_l = pass.wide_rows + pair.b * n;
  double product = 0;
  for (int64_t column = 0; column < n; column += kWideSide) {
    wide_tile(k, row, column, staged, of_k);
    wide_tile(l, row, column, staged, of_l);
    for_own_values([&](int r, int c, int at) {
      const int64_t i = row + r, j = column + c;
      if (i >= n || j >= n || (i == j && !biased)) return;
      const double at_k = i == j ? wide_diagonal(k, i) : of_k[at];
      const double at_l = i == j ? wide_diagonal(l, i) : of_l[at];
      product += (at_k - (rows_k[i] + rows_k[j])) * (at_l - (rows_l[i] + rows_l[j]));
    });
  }
  product = sum_of_block(product, of_l + kTileValues);
  if (ptx::thread() == 0) pass.wide_products[ptx::block()] = product;
}

// A block for a pair of matrices.
__global__ __launch_bounds__(kThreads, 1) void find_wide_values(GramPass pass, int64_t panels,
                                                             bool biased) {
  const PairOfPass pair(pass, ptx::block());
  if (!recomputed(pass, pair)) return;
  double sum = 0;
  for (int64_t p = ptx::thread(); p < panels; p += kThreads)
    sum += pass.wide_products[ptx::block() * panels + p];
  sum = sum_of_block(sum, reinterpret_cast<double*>(ptx::shared()));
  if (ptx::thread() != 0) return;
  const double n = static_cast<double>(pass.samples);
  const double value = sum / (biased ? (n - 1) * (n - 1) : n * (n - 3));
  pass.values[ptx::block()] = value;
  if (pair.a != pair.b) return;
  const double rounding = kEntryError * kEntryError * pass.magnitudes[ptx::block()];
  pass.selves[pair.a] =
      has_norm(pass.matrices[pair.a], value, rounding) ? value : ptx::bits_double(kNanBits);
}

}  // namespace

void recompute_lost_values(const GramPass& pass, Estimator estimator, Stream stream) {
  const int64_t panels = (pass.samples + kWideSide - 1) / kWideSide;
  const bool biased = estimator == Estimator::gretton;
  launch("add_wide_rows", add_wide_rows, pass.count * panels, kThreads, kWideBytes, stream, pass,
         panels);
  launch("centre_wide_rows", centre_wide_rows, pass.count, kThreads, kBlockSumBytes, stream, pass,
         estimator);
  launch("add_wide_products", add_wide_products, pass.pairs() * panels, kThreads, kWideBytes, stream,
         pass, panels, biased);
  launch("find_wide_values", find_wide_values, pass.pairs(), kThreads, kBlockSumBytes, stream, pass,
         panels, biased);
}

}  // namespace mmkernels::cuda
