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

// Two vectors of samples at a time: one alone would mostly wait for its own exponentials.
LossSums cross_entropy(const float* logits, const float* classes, int outputs, int samples,
                       float scale, float* errors) {
  Float losses{}, hits{};
  for (int s = 0; s < samples; s += kGroup) {
    const auto logit = [=](int k, int v) {
      return aligned(logits + k * kBlockSamples + s + v * kLanes);
    };
    Float wanted[2], largest[2], best[2], of_class[2], sum[2] = {};
#pragma GCC unroll 2
    for (int v = 0; v < 2; ++v) {
      wanted[v] = aligned(classes + s + v * kLanes);
      largest[v] = of_class[v] = logit(0, v);
      best[v] = Float{};
    }
    for (int k = 1; k < outputs; ++k) {
      const Float index = Float{} + static_cast<float>(k);
#pragma GCC unroll 2
      for (int v = 0; v < 2; ++v) {
        const Float own = logit(k, v);
        best[v] = own > largest[v] ? index : best[v];
        largest[v] = larger(own, largest[v]);
        of_class[v] = wanted[v] == index ? own : of_class[v];
      }
    }
    alignas(64) float powers[kMostOutputs * kGroup];
    for (int k = 0; k < outputs; ++k)
#pragma GCC unroll 2
      for (int v = 0; v < 2; ++v) {
        const Float power = exponential(logit(k, v) - largest[v]);
        aligned(powers + k * kGroup + v * kLanes) = power;
        sum[v] += power;
      }
    Float factor[2], less[2];
#pragma GCC unroll 2
    for (int v = 0; v < 2; ++v) {
      const Int counted = within(s + v * kLanes, samples);
      losses += where(counted, logarithm(sum[v]) + (largest[v] - of_class[v]));
      hits += where(counted & (best[v] == wanted[v]), Float{} + 1.0f);
      factor[v] = where(counted, scale / sum[v]);
      less[v] = where(counted, Float{} + scale);
    }
    if (!errors) continue;
    for (int k = 0; k < outputs; ++k)
#pragma GCC unroll 2
      for (int v = 0; v < 2; ++v)
        aligned(errors + k * kBlockSamples + s + v * kLanes) =
            aligned(powers + k * kGroup + v * kLanes) * factor[v] -
            where(wanted[v] == static_cast<float>(k), less[v]);
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
