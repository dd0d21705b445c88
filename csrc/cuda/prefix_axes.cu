// Directions along which a sample spreads most: subspace iteration from its first rows, in float64.
//
// X <- orthonormal X A'A, twice. Rows are made orthonormal 32 at a time, W <- L^-1 (W - (W X') X)
// with L L' = W W' - (W X')(W X')' by Cholesky: two launches for 32 rows. That loses digits where
// rows are nearly dependent, and is done twice at the end.
#include <cmath>

#include "double_products.cuh"
#include "prefix.hpp"

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = kProductThreads, kWarps = kThreads / 32;
constexpr int kPanel = 32;
constexpr int kOwnRows = kPanel / kWarps;  // of a warp
constexpr int64_t kChunk = 128;  // of columns, summed by one block
// What is left of a row, as a share of its square, below which it is no direction.
constexpr double kNothing = 1e-10;

// partial[chunk] = W [X W]' of the panel W that starts at row `first`, X the rows before it.
__global__ void multiply_panel(Prefix prefix, int64_t columns, int64_t first) {
  if (!prefix.state->tried) return;
  const int64_t tiles = first / kPanel + 1;
  const int64_t tile = ptx::block() % tiles, chunk = ptx::block() / tiles;
  const int64_t from = chunk * kChunk, to = from + kChunk < columns ? from + kChunk : columns;
  const double* own = prefix.axes + first * columns;
  const double* others = prefix.axes + tile * kPanel * columns;
  ProductSums<kPanel> sums{};
  add_double_products<kPanel, false>(
      from, to, [&](int r, int64_t d) { return own[r * columns + d]; },
      [&](int c, int64_t d) { return others[c * columns + d]; },
      reinterpret_cast<double*>(ptx::shared()), sums);
  double* out = prefix.partial + chunk * kPanel * prefix.most + tile * kPanel;
#pragma unroll
  for (int i = 0; i < kPanel / 16; ++i)
#pragma unroll
    for (int j = 0; j < kPanel / 16; ++j)
      out[product_row(i) * prefix.most + product_column(j)] = sums[i][j];
}

constexpr int kPitch = kPanel + 1;
size_t settle_bytes(int64_t first) {
  return sizeof(double) * (kPanel * (first + 1) + 2 * kPanel * kPitch + 2 * kPanel);
}

// A block for 32 columns of the panel.
__global__ void settle_panel(Prefix prefix, int64_t columns, int64_t chunks, int64_t first) {
  if (!prefix.state->tried) return;
  const int lane = ptx::thread() % 32, warp = ptx::thread() / 32;
  const int before = static_cast<int>(first), pitch = before + 1;
  double* along = reinterpret_cast<double*>(ptx::shared());  // [32][before] W X'
  double* gram = along + kPanel * pitch;                     // [32][32] W W', then L
  double* tile = gram + kPanel * kPitch;                     // [32][32] of W
  double* given = tile + kPanel * kPitch;                    // [32] squares of the rows
  double* inverse = given + kPanel;                          // [32] 1 / L_rr, 0 for no direction

  const auto sum_at = [&](int r, int c) {
    double sum = 0;
    for (int64_t chunk = 0; chunk < chunks; ++chunk)
      sum += prefix.partial[(chunk * kPanel + r) * prefix.most + c];
    return sum;
  };
  for (int r = warp; r < kPanel; r += kWarps) {
    for (int q = lane; q < before; q += 32) along[r * pitch + q] = sum_at(r, q);
    gram[r * kPitch + lane] = sum_at(r, before + lane);
    if (lane == r) given[r] = gram[r * kPitch + r];
  }
  ptx::sync_threads();
  const int64_t column = ptx::block() * kPanel + lane;
  double within[kOwnRows], value[kOwnRows];
#pragma unroll
  for (int i = 0; i < kOwnRows; ++i) {
    const int r = warp + i * kWarps;
    within[i] = gram[r * kPitch + lane];
    value[i] = column < columns ? prefix.axes[(first + r) * columns + column] : 0.0;
  }
#pragma unroll 4
  for (int q = 0; q < before; ++q) {
    const double axis = column < columns ? prefix.axes[q * columns + column] : 0.0;
    const double own = along[lane * pitch + q];
#pragma unroll
    for (int i = 0; i < kOwnRows; ++i) {
      const double other = along[(warp + i * kWarps) * pitch + q];
      within[i] -= other * own;
      value[i] -= other * axis;
    }
  }
#pragma unroll
  for (int i = 0; i < kOwnRows; ++i) {
    gram[(warp + i * kWarps) * kPitch + lane] = within[i];
    tile[(warp + i * kWarps) * kPitch + lane] = value[i];
  }
  ptx::sync_threads();
  if (warp != 0) return;
  for (int j = 0; j < kPanel; ++j) {
    double left = gram[lane * kPitch + j];
    for (int c = 0; c < j; ++c) left -= gram[lane * kPitch + c] * gram[j * kPitch + c];
    const double pivot = ptx::shuffle(left, j);
    const double one = pivot > kNothing * given[j] ? 1 / std::sqrt(pivot) : 0.0;
    gram[lane * kPitch + j] = left * one;
    if (lane == j) inverse[j] = one;
    ptx::sync_warp();
  }
  // Each lane a column.
  for (int r = 0; r < kPanel; ++r) {
    double sum = tile[r * kPitch + lane];
    for (int s = 0; s < r; ++s) sum -= gram[r * kPitch + s] * tile[s * kPitch + lane];
    sum *= inverse[r];
    tile[r * kPitch + lane] = sum;
    if (column < columns) prefix.axes[(first + r) * columns + column] = sum;
  }
}

// One block, a thread for a direction; `gram` is V V'. Row sums of |V V' - I| bound its spectral
// norm.
__global__ void measure_defect(Prefix prefix, const double* gram, int64_t columns) {
  if (!prefix.state->tried) return;
  double* sums = reinterpret_cast<double*>(ptx::shared());
  const int count = static_cast<int>(prefix.most);
  for (int q = ptx::thread(); q < count; q += kThreads) {
    double sum = 0;
    // A direction that is zero is none.
    if (gram[q * count + q] != 0)
      for (int p = 0; p < count; ++p) sum += std::abs(gram[q * count + p] - (p == q ? 1 : 0));
    sums[q] = sum;
  }
  ptx::sync_threads();
  if (ptx::thread() != 0) return;
  double most = 0;
  // What is no number is no bound either, and stays.
  for (int q = 0; q < count; ++q) most = sums[q] <= most ? most : sums[q];
  // And what the sums of float64 themselves lose.
  prefix.state->defect = most + static_cast<double>(count * columns) * 0x1p-51;
}

void orthonormalise(const Prefix& prefix, int64_t columns, int times, Stream stream) {
  const int64_t chunks = axes_chunks(columns);
  for (int64_t first = 0; first < prefix.most; first += kPanel)
    for (int time = 0; time < times; ++time) {
      launch("multiply_panel", multiply_panel, chunks * (first / kPanel + 1), kThreads,
             kProductBytes<kPanel>, stream, prefix, columns, first);
      launch("settle_panel", settle_panel, (columns + kPanel - 1) / kPanel, kThreads,
             settle_bytes(first), stream, prefix, columns, chunks, first);
    }
}

}  // namespace

int64_t axes_chunks(int64_t columns) { return (columns + kChunk - 1) / kChunk; }

void find_axes(const Prefix& prefix, int64_t columns, Stream stream) {
  constexpr int kIterations = 2;
  const int64_t most = prefix.most;
  const double* sample = prefix.sample + prefix.sampled * columns;
  copy(prefix.axes, sample, sizeof(double) * most * columns, stream);
  orthonormalise(prefix, columns, 1, stream);
  for (int iteration = 1; iteration <= kIterations; ++iteration) {
    multiply_transposed(
        prefix, {prefix.axes, sample, prefix.products, most, prefix.sampled, columns}, stream);
    multiply_plain(
        prefix, {prefix.products, sample, prefix.axes, most, columns, prefix.sampled}, stream);
    orthonormalise(prefix, columns, iteration == kIterations ? 2 : 1, stream);
  }
  // Room for V V' is where products with the sample were, and will be again.
  multiply_transposed(prefix, {prefix.axes, prefix.axes, prefix.products, most, most, columns},
                      stream);
  launch("measure_defect", measure_defect, 1, kThreads, sizeof(double) * most, stream, prefix,
         prefix.products, columns);
}

}  // namespace mmkernels::cuda
