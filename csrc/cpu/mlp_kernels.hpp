// The inner loops of training small multi-layer perceptrons, one table per instruction set.
//
// Samples sit side by side in the lanes of registers, and a weight is broadcast to all of them. A
// block holds up to 128 samples as [rows][128]; what is done to its first `samples` is done to as
// many more as fill the registers, so that a block is allocated in full and holds finite numbers.
#pragma once

#include <cstdint>

#include "../core/batch_order.hpp"

namespace mmkernels::cpu {

inline constexpr int kBlockSamples = 128;
inline constexpr int kMostOutputs = 32;

// Sums over the samples of a block: of the loss, and of what judges a prediction (1 where the first
// of the largest logits is the class; the absolute errors of a regression).
struct LossSums {
  double loss, score;
};

// One step of AdamW; the corrections are for the moments' start at zero.
struct AdamwStep {
  float clip;           // factor of the gradient
  float decay;          // factor of the parameters, 1 - learning rate * weight decay
  float rate;           // learning rate over the first moment's correction
  float root_correction;  // root of the second moment's correction
};

struct MlpKernels {
  int lanes;

  // Of a linear layer whose parameters are weight [units][inputs], then bias [units]:
  // out[u][s] = a if a >= 0, else slope * a; a = bias[u] + sum over i of weight[u][i] in[i][s].
  void (*forward)(const float* parameters, int inputs, int units, const float* in, int samples,
                  float slope, float* out);

  // below[i][s] = b where in[i][s] > 0, else slope * b, with b = sum over u of
  // weight[u][i] errors[u][s].
  void (*backward)(const float* parameters, int inputs, int units, const float* errors,
                   const float* in, int samples, float slope, float* below);

  // sums[p][lane] += the lane's share of the gradient of parameter p, or = where a batch begins
  // afresh. Errors behind the last sample must be 0.
  void (*accumulate)(const float* errors, const float* in, int inputs, int units, int samples,
                     bool afresh, float* sums);

  // values = tanh(values); errors *= 1 - values^2.
  void (*tanh)(float* values, int rows, int samples);
  void (*tanh_derivative)(const float* values, int rows, int samples, float* errors);

  // Losses of predictions [outputs][128] and, unless `errors` is null, the derivative of their sum
  // times `scale`; 0 behind the last sample. Targets are [1][128] classes or [outputs][128] values.
  using Evaluate = LossSums (*)(const float* predicted, const float* targets, int outputs,
                                int samples, float scale, float* errors);
  Evaluate cross_entropy, l1, mse;

  // gradient[p] = sum over lanes of sums[p][lane], for a multiple of `lanes` parameters; returns
  // the sum of their squares.
  double (*reduce)(const float* sums, int64_t parameters, float* gradient);

  void (*adamw)(const AdamwStep& step, const float* gradient, int64_t parameters, float* mean,
                float* square, float* values);

  // The order of n samples; `out` has room for one more.
  void (*order)(const BatchOrder& order, int64_t n, uint32_t* out);

  // block[w][s] = rows[chosen[s]][w] for s < samples and w < width, 0 behind the last sample. Rows
  // lie `stride` apart, a multiple of `lanes`.
  void (*gather)(const float* rows, int64_t stride, int width, const uint32_t* chosen, int samples,
                 float* block);

  // What the above are made of: x = exp(x) for x <= 0, and log(x), of a multiple of `lanes` values.
  void (*exponentials)(float* x, int64_t n);
  void (*logarithms)(float* x, int64_t n);
};

// The table of the instruction set that tile_kernels() names.
const MlpKernels& mlp_kernels();

}  // namespace mmkernels::cpu
