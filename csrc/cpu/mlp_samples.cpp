#include "mlp_samples.hpp"

#include <algorithm>

#include "mlp_kernels.hpp"

namespace mmkernels::cpu {
namespace {

constexpr int kLineFloats = 16;

int target_width(const MlpData& data, Loss loss) {
  return loss == Loss::cross_entropy ? 1 : data.outputs;
}

float target(const MlpSamples& samples, Loss loss, int64_t place) {
  return loss == Loss::cross_entropy ? static_cast<float>(samples.labels[place])
                                     : samples.values[place];
}

}  // namespace

MlpRows::MlpRows(const MlpData& data, Loss loss)
    : count(data.train.count),
      stride((data.inputs + kLineFloats - 1) / kLineFloats * kLineFloats),
      width(data.inputs),
      target_width(cpu::target_width(data, loss)),
      inputs(make_aligned<float>(count * stride)),
      targets(make_aligned<float>(count * target_width)) {
  for (int64_t i = 0; i < count; ++i) {
    float* row = inputs.get() + i * stride;
    std::copy_n(data.train.inputs + i * width, width, row);
    std::fill(row + width, row + stride, 0.0f);
  }
  for (int64_t i = 0; i < count * target_width; ++i) targets[i] = target(data.train, loss, i);
}

void MlpRows::gather(const uint32_t* chosen, int samples, float* into, float* targets_into) const {
  mlp_kernels().gather(inputs.get(), stride, width, chosen, samples, into);
  for (int s = 0; s < samples; ++s)
    for (int k = 0; k < target_width; ++k)
      targets_into[k * kBlockSamples + s] = targets[chosen[s] * int64_t{target_width} + k];
}

void MlpRows::prefetch(const uint32_t* chosen, int samples) const {
  for (int s = 0; s < samples; ++s)
    for (int64_t w = 0; w < stride; w += kLineFloats)
      __builtin_prefetch(inputs.get() + chosen[s] * stride + w);
}

MlpBlocks::MlpBlocks(const MlpData& data, Loss loss)
    : count(data.valid.count), width(data.inputs), target_width(cpu::target_width(data, loss)) {
  const int64_t blocks = (count + kBlockSamples - 1) / kBlockSamples;
  inputs = make_aligned<float>(blocks * kBlockSamples * width);
  targets = make_aligned<float>(blocks * kBlockSamples * target_width);
  std::fill_n(inputs.get(), blocks * kBlockSamples * width, 0.0f);
  std::fill_n(targets.get(), blocks * kBlockSamples * target_width, 0.0f);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t block = i / kBlockSamples, s = i % kBlockSamples;
    for (int w = 0; w < width; ++w)
      inputs[(block * width + w) * kBlockSamples + s] = data.valid.inputs[i * width + w];
    for (int k = 0; k < target_width; ++k)
      targets[(block * target_width + k) * kBlockSamples + s] =
          target(data.valid, loss, i * target_width + k);
  }
}

}  // namespace mmkernels::cpu
