// A kernel on one set of features, made ready for passes over its tiles.
#include <cmath>

#include "block_sums.cuh"
#include "gram_pass.cuh"

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;
constexpr int64_t kSamplePairs = 16;  // of panels, from which the mean of all values is estimated
// From here on every pair that float32 can tell apart is at exp(-infinity), and a factor beyond its
// range would make 0 times infinity of a distance 0.
constexpr double kLargestFactor = 1e30;

int64_t sample_pairs(int64_t panels) { return panels < kSamplePairs ? panels : kSamplePairs; }

// Diagonal tiles, which hold the product of each row with itself.
template <class Tier>
__global__ __launch_bounds__(kTileThreads, 1) void multiply_rows_with_themselves(KernelMatrix matrix) {
  constexpr int parts = kTileRows / Tier::kColumns;
  const int64_t row = ptx::block() / parts * kTileRows;
  const int64_t column = row + ptx::block() % parts * Tier::kColumns;
  typename TileOf<Tier>::Sums products;
  multiply_split<Tier>(matrix.operand, row, column, ptx::shared(), products);
  const float share = matrix.own_share();
  for_values<TileOf<Tier>>(products, [&](float product, int, int, int, int r, int c) {
    if (row + r == column + c) matrix.own_products[row + r] = share * product;
  });
}

// With values up to the bound less a shift that is no larger, n of them fit 63 bits, and rounding
// stays below 1e-12 of the bound up to n = 2^20.
__device__ double fixed_point_of(const KernelMatrix& matrix, const KernelState& state) {
  const int bits = exponent_of(static_cast<double>(matrix.features.view.rows)) + 1;
  return power_of_two(61 - bits - (exponent_of(bound_of(matrix, state)) + 1));
}

// See cpu/polynomial.cpp.
__device__ void start_polynomial(const KernelMatrix& matrix, double scale, double largest,
                                 double centre, KernelState& state) {
  const int degree = matrix.choice.degree;
  const double offset = matrix.choice.offset, gamma = matrix.choice.gamma;
  const double base = gamma * centre * centre + offset;
  const double widest_product = gamma * largest * largest;
  const double widest = 2 * gamma * centre * largest + widest_product;
  const double whole = std::abs(base) + widest;
  const double part = base / whole, spread = widest / whole;
  const double first = degree * std::pow(std::abs(part), degree - 1.0) * widest_product / whole;
  double bound = first, binomial = degree;
  for (int k = 2; k <= degree; ++k) {
    binomial *= static_cast<double>(degree - k + 1) / k;
    bound += std::abs(binomial * std::pow(part, 1.0 * (degree - k)) * std::pow(spread, 1.0 * k));
  }
  const double whole_power = std::pow(whole, static_cast<double>(degree));
  if (!(widest > 1e-290 && bound > 1e-290 && whole_power > 1e-290 && whole_power < 1e150)) {
    state.usable = 0;
    return;
  }
  binomial = degree;
  for (int k = 2; k <= degree; ++k) {
    binomial *= static_cast<double>(degree - k + 1) / k;
    const double power = binomial * std::pow(part, 1.0 * (degree - k)) * std::pow(spread, 1.0 * k);
    matrix.wide_powers[k - 2] = power / bound;
    matrix.powers[k - 2] = static_cast<float>(power / bound);
  }
  state.unit = 1 / (whole_power * bound);
  state.wide_factor = gamma / (widest * scale * scale);
  state.wide_linear =
      degree * std::pow(part, degree - 1.0) / bound * gamma / (whole * scale * scale);
  state.factor = static_cast<float>(state.wide_factor);
  state.linear = static_cast<float>(state.wide_linear);
  state.term = gamma / widest;
}

// One warp.
__global__ void start_state(KernelMatrix matrix) {
  const Features& features = matrix.features;
  const double largest = ptx::bits_double(*features.largest);
  KernelState state{};
  state.bandwidth = state.unit = state.fixed_point = 1;
  state.usable = usable(*features.status);
  double squares = 0;
  if (matrix.choice.kernel == Kernel::polynomial && state.usable)
    for (int64_t c = ptx::thread(); c < features.view.columns; c += 32)
      squares += features.centre[c] * features.centre[c];
  squares = sum_of_lanes(squares);
  if (ptx::thread() != 0) return;
  for (int k = 2; k <= matrix.choice.degree; ++k) matrix.powers[k - 2] = matrix.wide_powers[k - 2] = 0;
  if (state.usable && largest > 0) {
    const double scale = split_scale(features);
    if (matrix.exponential()) {
      state.bandwidth = matrix.choice.bandwidth > 0 ? matrix.choice.bandwidth : matrix.state->bandwidth;
      const double width = state.bandwidth * scale;
      const bool gaussian = matrix.choice.kernel == Kernel::gaussian;
      const double factor = gaussian ? 1 / (width * width) : 1 / width;
      state.factor = static_cast<float>((factor < kLargestFactor ? factor : kLargestFactor) *
                                        (gaussian ? -0.5 : -1) * 1.4426950408889634);
      // Half of the rows or more are equal.
      if (!(state.bandwidth > 0)) state.usable = 0;
    }
    if (matrix.choice.kernel == Kernel::linear) state.unit = scale * scale;
    if (matrix.choice.kernel == Kernel::distance) state.unit = scale;
    if (matrix.choice.kernel == Kernel::polynomial)
      start_polynomial(matrix, scale, largest, std::sqrt(squares), state);
  }
  state.fixed_point = fixed_point_of(matrix, state);
  *matrix.state = state;
}

// A warp for a row.
__global__ void find_polynomial_terms(KernelMatrix matrix) {
  const int64_t row = ptx::block() * kWarps + ptx::thread() / 32;
  double sum = 0;
  if (row < matrix.features.view.rows && matrix.state->usable)
    for (int64_t c = ptx::thread() % 32; c < matrix.features.view.columns; c += 32)
      sum += centred_value(matrix.features, row, c) * matrix.features.centre[c];
  sum = sum_of_lanes(sum);
  if (ptx::thread() % 32 != 0) return;
  matrix.wide_terms[row] = sum * matrix.state->term;
  matrix.terms[row] = static_cast<float>(matrix.wide_terms[row]);
}

// samples[block] = the sum over a tile of its values and, of exponentials, of those less 1; and how
// many there are. Pairs of panels are spread over all samples.
template <class Tier>
__global__ __launch_bounds__(kTileThreads, 1) void sample_values(KernelMatrix matrix, int64_t pairs,
                                                                 int64_t panels) {
  constexpr int parts = kTileRows / Tier::kColumns;
  auto* slots = reinterpret_cast<double*>(ptx::shared() + TileOf<Tier>::kSharedBytes);
  const int64_t pair = ptx::block() / parts, panel = pair * panels / pairs;
  const int64_t row = panel * kTileRows;
  const int64_t column =
      (panel + panels / 2) % panels * kTileRows + ptx::block() % parts * Tier::kColumns;
  const TileExtent<TileOf<Tier>> extent(matrix.features.view.rows, row, column);
  double* sample = matrix.samples + ptx::block() * 3;
#pragma unroll 1
  for (int minus_one = 0; minus_one < (matrix.exponential() ? 2 : 1); ++minus_one) {
    typename TileOf<Tier>::Sums values;
    multiply_split<Tier>(matrix.operand, row, column, ptx::shared(), values);
    to_kernel_values<TileOf<Tier>>(matrix, 0, minus_one, row, column, values);
    double sum = 0;
    for_values<TileOf<Tier>>(values,
                             [&](float value, int, int, int, int, int) { sum += value; });
    sum = sum_of_block(sum, slots);
    if (ptx::thread() == 0) {
      sample[minus_one] = sum;
      sample[2] = static_cast<double>(extent.entries());
    }
  }
}

__global__ void choose_shift(KernelMatrix matrix, int64_t samples) {
  if (ptx::thread() != 0) return;
  KernelState& state = *matrix.state;
  double sums[2] = {0, 0}, count = 0;
  for (int64_t s = 0; s < samples; ++s) {
    sums[0] += matrix.samples[s * 3];
    if (matrix.exponential()) sums[1] += matrix.samples[s * 3 + 1];
    count += matrix.samples[s * 3 + 2];
  }
  const double per_value = count > 0 ? 1 / count : 0;
  state.minus_one = matrix.exponential() && sums[0] * per_value > 0.5;
  state.shift = static_cast<float>((state.minus_one ? sums[1] : sums[0]) * per_value);
  state.fixed_point = fixed_point_of(matrix, state);
}

}  // namespace

KernelMatrix take_kernel_matrix(const ArrayView& view, const KernelChoice& choice,
                                Precision precision, Path path, Workspace& workspace) {
  KernelMatrix matrix{};
  matrix.choice = choice;
  matrix.precision = precision;
  matrix.path = path;
  const Centre centre = choice.kernel == Kernel::linear ? Centre::mean : Centre::robust;
  matrix.features = take_features(view, choice.unit, centre, workspace);
  matrix.operand = take_split(matrix.features, static_cast<int>(precision) + 1, workspace);
  matrix.state = workspace.take<KernelState>(1);
  matrix.own_products = workspace.take<float>(matrix.operand.rows);
  matrix.hopper_products = workspace.take<float>(path == Path::hopper ? matrix.lines() : 0);
  const bool polynomial = choice.kernel == Kernel::polynomial;
  matrix.terms = workspace.take<float>(polynomial ? matrix.lines() : 0);
  matrix.powers = workspace.take<float>(choice.degree - 1);
  matrix.wide_terms = workspace.take<double>(polynomial ? matrix.lines() : 0);
  matrix.wide_powers = workspace.take<double>(choice.degree - 1);
  matrix.samples = workspace.take<double>(2 * kSamplePairs * 3);
  return matrix;
}

void prepare_kernel_matrix(const KernelMatrix& matrix, const MedianSearch& search, Stream stream) {
  measure_features(matrix.features, stream);
  pack_split(matrix.features, matrix.operand, stream);
  const int64_t panels = matrix.panels(), pairs = sample_pairs(panels);
  with_tier(matrix.precision, [&](auto tier) {
    using Tier = decltype(tier);
    launch("multiply_rows_with_themselves", multiply_rows_with_themselves<Tier>,
           panels * (kTileRows / Tier::kColumns), kTileThreads, TileOf<Tier>::kSharedBytes, stream,
           matrix);
  });
  if (matrix.path == Path::hopper) multiply_rows_on_hopper(matrix, stream);
  if (matrix.exponential() && matrix.choice.bandwidth == 0)
    find_median_distance(matrix, search, stream);
  launch("start_state", start_state, 1, 32, 0, stream, matrix);
  if (matrix.choice.kernel == Kernel::linear) return;
  if (matrix.choice.kernel == Kernel::polynomial)
    launch("find_polynomial_terms", find_polynomial_terms, matrix.lines() / kWarps, kThreads, 0,
           stream, matrix);
  with_tier(matrix.precision, [&](auto tier) {
    using Tier = decltype(tier);
    const int64_t blocks = pairs * (kTileRows / Tier::kColumns);
    launch("sample_values", sample_values<Tier>, blocks, kTileThreads,
           TileOf<Tier>::kSharedBytes + kBlockSumBytes, stream, matrix, pairs, panels);
    launch("choose_shift", choose_shift, 1, 32, 0, stream, matrix, blocks);
  });
}

}  // namespace mmkernels::cuda
