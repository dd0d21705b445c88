// Samples of rows for a prefix, and whether some directions count more than others in them.
#include "double_products.cuh"
#include "neighbor_operand.cuh"
#include "prefix.hpp"

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;
constexpr int kSide = 32;
// Where so large a share of the directions count alike, half of them are no prefix that tells rows
// apart.
constexpr double kFlat = 1.0 / 3;

// One warp; m . m, and nothing decided yet.
__global__ void start(Prefix prefix, Features features) {
  const bool tried = usable(*features.status);
  double sum = 0;
  for (int64_t c = ptx::thread(); tried && c < features.view.columns; c += 32)
    sum += features.centre[c] * features.centre[c];
  sum = sum_of_lanes(sum);
  if (ptx::thread() == 0) *prefix.state = {tried, 0, 0, 0, sum};
}

// A warp for a row.
__global__ void sample(Prefix prefix, Features features, bool euclidean) {
  const int64_t place = ptx::block() * kWarps + ptx::thread() / 32;
  const int64_t all = 2 * prefix.sampled;
  if (place >= all || !prefix.state->tried) return;
  const int lane = ptx::thread() % 32;
  const int64_t columns = features.view.columns;
  const int64_t row = place * prefix.step % all * features.view.rows / all;
  const double scale = scale_of(features, kRange);
  double squared = 0, along_centre = 0;
  for (int64_t c = lane; c < columns; c += 32) {
    const double value = centred_value(features, row, c) * scale;
    prefix.sample[place * columns + c] = value;
    squared += value * value;
    along_centre += features.centre[c] * scale * value;
  }
  squared = sum_of_lanes(squared);
  along_centre = sum_of_lanes(along_centre);
  if (lane != 0 || place >= prefix.sampled) return;
  prefix.squares[place] = squared;
  prefix.biases[place] = euclidean ? -squared / 2 : along_centre;
}

template <bool transposed>
__global__ void multiply(const PrefixState* state, DoubleProduct product) {
  if (!state->tried) return;
  const int64_t across = (product.columns + kSide - 1) / kSide;
  const int64_t first_row = ptx::block() / across * kSide;
  const int64_t first_column = ptx::block() % across * kSide;
  ProductSums<kSide> sums{};
  add_double_products<kSide, !transposed>(
      0, product.depth,
      [&](int r, int64_t d) {
        const int64_t row = first_row + r;
        return row < product.rows ? product.left[row * product.depth + d] : 0.0;
      },
      [&](int c, int64_t d) {
        const int64_t column = first_column + c;
        if (column >= product.columns) return 0.0;
        return product.right[transposed ? column * product.depth + d
                                        : d * product.columns + column];
      },
      reinterpret_cast<double*>(ptx::shared()), sums);
#pragma unroll
  for (int i = 0; i < kSide / 16; ++i)
#pragma unroll
    for (int j = 0; j < kSide / 16; ++j) {
      const int64_t row = first_row + product_row(i), column = first_column + product_column(j);
      if (row < product.rows && column < product.columns)
        product.out[row * product.columns + column] = sums[i][j];
    }
}

// A warp for a query: the squares of its scores with others.
__global__ void add_squares(Prefix prefix) {
  const int64_t query = ptx::block() * kWarps + ptx::thread() / 32;
  if (query >= prefix.queries || !prefix.state->tried) return;
  double sum = 0;
  for (int64_t s = ptx::thread() % 32; s < prefix.sampled; s += 32) {
    const double score = s == query ? 0 : prefix.scores[query * prefix.sampled + s];
    sum += score * score;
  }
  sum = sum_of_lanes(sum);
  if (ptx::thread() % 32 == 0) prefix.spread[query] = sum;
}

// One warp. (mean |c|^2)^2 / mean (c_i . c_j)^2 is D where all directions count alike, and 1 where
// only one does.
__global__ void leave_flat_spectra(Prefix prefix, int64_t columns) {
  if (!prefix.state->tried) return;
  double squares = 0, products = 0;
  for (int64_t s = ptx::thread(); s < prefix.sampled; s += 32) squares += prefix.squares[s];
  for (int64_t q = ptx::thread(); q < prefix.queries; q += 32) products += prefix.spread[q];
  squares = sum_of_lanes(squares) / static_cast<double>(prefix.sampled);
  products =
      sum_of_lanes(products) / static_cast<double>(prefix.queries * (prefix.sampled - 1));
  // Also where all rows are equal, and nothing is left to be told from nothing.
  if (ptx::thread() == 0 && !(squares * squares < products * kFlat * static_cast<double>(columns)))
    prefix.state->tried = 0;
}

int64_t warp_blocks(int64_t count) { return (count + kWarps - 1) / kWarps; }

template <bool transposed>
void launch_product(const Prefix& prefix, const DoubleProduct& product, Stream stream) {
  const int64_t tall = (product.rows + kSide - 1) / kSide;
  const int64_t wide = (product.columns + kSide - 1) / kSide;
  launch("multiply_doubles", multiply<transposed>, tall * wide, kProductThreads,
         kProductBytes<kSide>, stream, prefix.state, product);
}

}  // namespace

void multiply_transposed(const Prefix& prefix, const DoubleProduct& product, Stream stream) {
  launch_product<true>(prefix, product, stream);
}

void multiply_plain(const Prefix& prefix, const DoubleProduct& product, Stream stream) {
  launch_product<false>(prefix, product, stream);
}

void sample_prefix(const Prefix& prefix, const Features& features, bool euclidean,
                   Stream stream) {
  const int64_t columns = features.view.columns;
  launch("start_prefix", start, 1, 32, 0, stream, prefix, features);
  launch("sample_prefix", sample, warp_blocks(2 * prefix.sampled), kThreads, 0, stream, prefix,
         features, euclidean);
  multiply_transposed(prefix,
                      {prefix.sample, prefix.sample, prefix.scores, prefix.queries, prefix.sampled,
                       columns},
                      stream);
  launch("add_squares", add_squares, warp_blocks(prefix.queries), kThreads, 0, stream, prefix);
  launch("leave_flat_spectra", leave_flat_spectra, 1, 32, 0, stream, prefix, columns);
}

}  // namespace mmkernels::cuda
