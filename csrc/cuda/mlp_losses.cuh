// The loss of a sample, its derivative, and the score of a prediction.
#pragma once

#include <cmath>

#include <device/ptx.cuh>
#include <device/runtime.cuh>

#include "mlp_ensemble.hpp"

namespace mmkernels::cuda {

struct SampleLoss {
  float loss;   // of the sample, not yet over the batch
  float score;  // 1 where the class is right; mean absolute error
};

// found: a column of logits, `pitch` apart.
__device__ __forceinline__ SampleLoss classify(const float* found, int pitch, int outputs, int wanted,
                                               float& largest, float& sum) {
  int best = 0;
  largest = found[0];
  for (int i = 1; i < outputs; ++i)
    if (found[i * pitch] > largest) {
      largest = found[i * pitch];
      best = i;
    }
  sum = 0;
  for (int i = 0; i < outputs; ++i) sum += expf(found[i * pitch] - largest);
  return {logf(sum) + largest - found[wanted * pitch], best == wanted ? 1.0f : 0.0f};
}

__device__ __forceinline__ SampleLoss regress(const float* found, int pitch, int outputs,
                                              const float* wanted, TrainingLoss loss) {
  float absolute = 0, squared = 0;
  for (int i = 0; i < outputs; ++i) {
    const float error = found[i * pitch] - wanted[i];
    absolute += fabsf(error);
    squared += error * error;
  }
  const float count = static_cast<float>(outputs);
  return {(loss == TrainingLoss::l1 ? absolute : squared) / count, absolute / count};
}

// Puts the derivatives of the batch's mean loss, which `batch` samples make, in the place of `found`.
__device__ __forceinline__ SampleLoss loss_and_errors(float* found, int pitch, int outputs,
                                                      const Targets& targets, int64_t sample,
                                                      TrainingLoss loss, int batch) {
  if (loss == TrainingLoss::cross_entropy) {
    const int wanted = targets.classes[sample];
    float largest, sum;
    const SampleLoss result = classify(found, pitch, outputs, wanted, largest, sum);
    const float size = static_cast<float>(batch);
    for (int i = 0; i < outputs; ++i)
      found[i * pitch] =
          (expf(found[i * pitch] - largest) / sum - (i == wanted ? 1.0f : 0.0f)) / size;
    return result;
  }
  const float* wanted = targets.values + sample * outputs;
  const SampleLoss result = regress(found, pitch, outputs, wanted, loss);
  const float size = static_cast<float>(batch) * static_cast<float>(outputs);
  for (int i = 0; i < outputs; ++i) {
    const float error = found[i * pitch] - wanted[i];
    const float sign = error > 0 ? 1.0f : error < 0 ? -1.0f : error;  // NaN stays NaN
    found[i * pitch] = (loss == TrainingLoss::l1 ? sign : 2 * error) / size;
  }
  return result;
}

__device__ __forceinline__ SampleLoss loss_alone(const float* found, int pitch, int outputs,
                                                 const Targets& targets, int64_t sample,
                                                 TrainingLoss loss) {
  if (loss != TrainingLoss::cross_entropy)
    return regress(found, pitch, outputs, targets.values + sample * outputs, loss);
  float largest, sum;
  return classify(found, pitch, outputs, targets.classes[sample], largest, sum);
}

}  // namespace mmkernels::cuda
