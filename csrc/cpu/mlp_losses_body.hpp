// Losses of a block of samples and their derivatives; see mlp_kernels_body.hpp.
#pragma once

#include "mlp_functions_body.hpp"
#include "mlp_layers_body.hpp"

namespace mmkernels::cpu::MMK_NAMESPACE {
namespace {

// All bits in the lanes that hold one of the first `samples`, for the lanes from s on.
inline Int within(int s, int samples) {
  Int lane;
  for (int i = 0; i < kLanes; ++i) lane[i] = i;
  return lane < samples - s;
}

inline Float where(Int mask, Float value) { return (Float)(mask & (Int)value); }

inline double sum_lanes(Float v) {
  double sum = 0;
  for (int i = 0; i < kLanes; ++i) sum += v[i];
  return sum;
}

// Behind the last sample the errors are 0 to the end of its group, which is where kernels go.
inline int padded(int samples) { return (samples + kGroup - 1) / kGroup * kGroup; }

LossSums cross_entropy(const float* logits, const float* classes, int outputs, int samples,
                       float scale, float* errors) {
  Float losses{}, hits{};
  for (int s = 0; s < padded(samples); s += kLanes) {
    const Int counted = within(s, samples);
    const Float wanted = aligned(classes + s);
    Float largest = aligned(logits + s), best{}, of_class = largest;
    for (int k = 1; k < outputs; ++k) {
      const Float logit = aligned(logits + k * kBlockSamples + s);
      const Float index = Float{} + static_cast<float>(k);
      best = logit > largest ? index : best;
      largest = larger(logit, largest);
      of_class = wanted == index ? logit : of_class;
    }
    // Exponentials are kept where the errors will stand.
    alignas(64) float storage[kMostOutputs * kLanes];
    Float sum{};
    for (int k = 0; k < outputs; ++k) {
      const Float e = exponential(aligned(logits + k * kBlockSamples + s) - largest);
      aligned(storage + k * kLanes) = e;
      sum += e;
    }
    losses += where(counted, logarithm(sum) + (largest - of_class));
    hits += where(counted & (best == wanted), Float{} + 1.0f);
    if (!errors) continue;
    const Float factor = where(counted, scale / sum), less = where(counted, Float{} + scale);
    for (int k = 0; k < outputs; ++k) {
      const Float probability = aligned(storage + k * kLanes) * factor;
      aligned(errors + k * kBlockSamples + s) =
          probability - where(wanted == static_cast<float>(k), less);
    }
  }
  return {sum_lanes(losses), sum_lanes(hits)};
}

template <bool Squared>
LossSums regression(const float* predicted, const float* targets, int outputs, int samples,
                    float scale, float* errors) {
  Float losses{}, distances{};
  for (int s = 0; s < padded(samples); s += kLanes) {
    const Int counted = within(s, samples);
    for (int k = 0; k < outputs; ++k) {
      const int at = k * kBlockSamples + s;
      const Float difference = where(counted, aligned(predicted + at) - aligned(targets + at));
      const Float distance = difference < 0.0f ? -difference : difference;
      distances += distance;
      losses += Squared ? difference * difference : distance;
      if (!errors) continue;
      const Float sign = difference > 0.0f   ? Float{} + scale
                         : difference < 0.0f ? Float{} - scale
                                             : Float{};
      aligned(errors + at) = Squared ? difference * (2.0f * scale) : sign;
    }
  }
  return {sum_lanes(losses), sum_lanes(distances)};
}

}  // namespace
}  // namespace mmkernels::cpu::MMK_NAMESPACE
