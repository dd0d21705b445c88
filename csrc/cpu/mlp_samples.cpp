#include "mlp_samples.hpp"

#include <algorithm>

#include "mlp_kernels.hpp"

namespace mmkernels::cpu {
namespace {

constexpr int kLineFloats = 16;

int64_t rounded_up(int64_t count, int64_t multiple) {
  return (count + multiple - 1) / multiple * multiple;
}

void copy_sample(const MlpSampleSize& size, const MlpSamples& samples, int64_t place, float* row) {
  std::copy_n(samples.inputs + place * size.inputs, size.inputs, row);
  if (samples.labels)
    row[size.inputs] = static_cast<float>(samples.labels[place]);
  else
    std::copy_n(samples.values + place * size.targets, size.targets, row + size.inputs);
}

}  // namespace

MlpRows::MlpRows(const MlpData& data, Loss loss)
    : size(data, loss),
      count(data.train.count),
      stride(rounded_up(size.values(), kLineFloats)),
      rows(make_aligned<float>(count * stride)) {
  for (int64_t i = 0; i < count; ++i) {
    float* row = rows.get() + i * stride;
    copy_sample(size, data.train, i, row);
    std::fill(row + size.values(), row + stride, 0.0f);
  }
}

void MlpRows::gather(const uint32_t* chosen, int samples, float* block) const {
  mlp_kernels().gather(rows.get(), stride, size.values(), chosen, samples, block);
}

void MlpRows::prefetch(const uint32_t* chosen, int samples) const {
  for (int s = 0; s < samples; ++s)
    for (int64_t line = 0; line < stride; line += kLineFloats)
      __builtin_prefetch(rows.get() + chosen[s] * stride + line);
}

MlpBlocks::MlpBlocks(const MlpData& data, Loss loss)
    : size(data, loss), count(data.valid.count) {
  const int values = size.values();
  const int64_t stored = rounded_up(count, kBlockSamples) * values;
  blocks = make_aligned<float>(stored);
  std::fill_n(blocks.get(), stored, 0.0f);
  AlignedBuffer<float> row = make_aligned<float>(values);
  for (int64_t i = 0; i < count; ++i) {
    copy_sample(size, data.valid, i, row.get());
    float* column = blocks.get() + i / kBlockSamples * values * kBlockSamples + i % kBlockSamples;
    for (int v = 0; v < values; ++v) column[v * kBlockSamples] = row[v];
  }
}

const float* MlpBlocks::block(int64_t index) const {
  return blocks.get() + index * size.values() * kBlockSamples;
}

}  // namespace mmkernels::cpu
