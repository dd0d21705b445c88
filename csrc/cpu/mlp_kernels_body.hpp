// One source for every instruction set, as tile_kernels_body.hpp is.
//
// Each including file sets MMK_NAMESPACE, MMK_LANES, MMK_UNITS (rows of two vectors of sums that
// are kept in registers) and MMK_GRADIENT_UNITS x MMK_GRADIENT_INPUTS (vectors of them), and is
// compiled with the flags of its instruction set. No function of the standard library is
// instantiated here.
#include "mlp_kernels.hpp"
#include "mlp_functions_body.hpp"
#include "mlp_layers_body.hpp"
#include "mlp_losses_body.hpp"

namespace mmkernels::cpu::MMK_NAMESPACE {
namespace {

typedef uint32_t Unsigned __attribute__((vector_size(4 * MMK_LANES)));

// Sums of the lanes of a square of vectors: pairs of them are folded into one that holds the half
// sums of both, until one is left.
template <int Half = kLanes / 2>
inline Float fold(Float (&rows)[kLanes]) {
  if constexpr (Half == 0) {
    return rows[0];
  } else {
#pragma GCC unroll 8
    for (int r = 0; r < Half; ++r)
      rows[r] = first_blocks<Half>(rows[r], rows[r + Half], Lanes{}) +
                second_blocks<Half>(rows[r], rows[r + Half], Lanes{});
    return fold<Half / 2>(rows);
  }
}

double reduce(const float* sums, int64_t parameters, float* gradient) {
  Double squares{};
  for (int64_t p = 0; p < parameters; p += kLanes) {
    Float rows[kLanes];
#pragma GCC unroll 16
    for (int r = 0; r < kLanes; ++r) rows[r] = aligned(sums + (p + r) * kLanes);
    const Float folded = fold(rows);
    aligned(gradient + p) = folded;
    const Halves halves(folded);
    squares += halves.low * halves.low + halves.high * halves.high;
  }
  return sum_lanes(squares);
}

void adamw(const AdamwStep& step, const float* gradient, int64_t parameters, float* mean,
           float* square, float* values) {
  const float inverse_root = 1.0f / step.root_correction;
  for (int64_t p = 0; p < parameters; p += kLanes) {
    const Float g = aligned(gradient + p) * step.clip;
    const Float m = aligned(mean + p) + 0.1f * (g - aligned(mean + p));
    const Float v = aligned(square + p) * 0.999f + g * g * 0.001f;
    aligned(mean + p) = m;
    aligned(square + p) = v;
    aligned(values + p) = aligned(values + p) * step.decay -
                          step.rate * m / (square_root(v) * inverse_root + 1e-8f);
  }
}

void order(const BatchOrder& order, int64_t n, uint32_t* out) {
  Unsigned place;
  for (int i = 0; i < kLanes; ++i) place[i] = i;
  for (int64_t first = 0; first < order.domain; first += kLanes) {
    alignas(Unsigned) uint32_t samples[kLanes];
    *reinterpret_cast<Unsigned*>(samples) = ordered(order, place);
    // Written in any case and overwritten by the next: cheaper than a branch nobody can foretell.
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) {
      *out = samples[i];
      out += samples[i] < n;
    }
    place += kLanes;
  }
}

// kLanes rows, `width` numbers of each, to the lanes from `block` on; those from `count` on are 0.
template <bool All>
inline void gather_lanes(const float* rows, int64_t stride, int width, const uint32_t* chosen,
                         int count, float* block) {
  for (int w = 0; w < width; w += kLanes) {
    Int square[kLanes];
#pragma GCC unroll 16
    for (int r = 0; r < kLanes; ++r)
      square[r] = All || r < count
                      ? *reinterpret_cast<const Words*>(rows + chosen[r] * stride + w)
                      : Int{};
    transpose(square);
#pragma GCC unroll 16
    for (int r = 0; r < kLanes; ++r)
      if (w + r < width) aligned(block + (w + r) * kBlockSamples) = (Float)square[r];
  }
}

void gather(const float* rows, int64_t stride, int width, const uint32_t* chosen, int samples,
            float* block) {
  int s = 0;
  for (; s + kLanes <= samples; s += kLanes)
    gather_lanes<true>(rows, stride, width, chosen + s, kLanes, block + s);
  for (; s < padded(samples); s += kLanes)
    gather_lanes<false>(rows, stride, width, chosen + s, samples - s, block + s);
}

void exponentials(float* x, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes) store(x + i, exponential(load(x + i)));
}

void logarithms(float* x, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes) store(x + i, logarithm(load(x + i)));
}

}  // namespace

extern const MlpKernels mlp_kernels;
const MlpKernels mlp_kernels{
    .lanes = kLanes,
    .forward = forward,
    .backward = backward,
    .accumulate = accumulate,
    .tanh = apply_tanh,
    .tanh_derivative = tanh_derivative,
    .cross_entropy = cross_entropy,
    .l1 = regression<false>,
    .mse = regression<true>,
    .reduce = reduce,
    .adamw = adamw,
    .order = order,
    .gather = gather,
    .exponentials = exponentials,
    .logarithms = logarithms,
};

}  // namespace mmkernels::cpu::MMK_NAMESPACE
