// Data sets as the kernels read them: rows to choose batches from, and blocks of samples in lanes.
#pragma once

#include <cstdint>
#include <vector>

#include "../core/aligned_buffer.hpp"
#include "mlp_ensemble.hpp"

namespace mmkernels::cpu {

// Training samples: rows padded to whole vectors, and targets as numbers, classes too.
struct MlpRows {
  MlpRows(const MlpData& data, Loss loss);

  // The samples chosen, as blocks [inputs][kBlockSamples] and [target_width][kBlockSamples].
  void gather(const uint32_t* chosen, int samples, float* inputs, float* targets) const;
  // Asks for what gather will read.
  void prefetch(const uint32_t* chosen, int samples) const;

  int64_t count, stride;
  int width, target_width;
  AlignedBuffer<float> inputs, targets;
};

// Validation samples, all of them, in blocks: what every epoch of every network reads.
struct MlpBlocks {
  MlpBlocks(const MlpData& data, Loss loss);

  int64_t count;
  int width, target_width;
  AlignedBuffer<float> inputs, targets;
};

}  // namespace mmkernels::cpu
