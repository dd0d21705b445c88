// Data sets as the kernels read them: rows to choose batches from, and blocks of samples in lanes.
#pragma once

#include <cstdint>

#include "../core/aligned_buffer.hpp"
#include "mlp_ensemble.hpp"

namespace mmkernels::cpu {

// A sample is its inputs and then its targets, classes too as numbers: one row, or a column of a
// block.
struct MlpSampleSize {
  MlpSampleSize(const MlpData& data, Loss loss)
      : inputs(data.inputs), targets(loss == Loss::cross_entropy ? 1 : data.outputs) {}

  int values() const { return inputs + targets; }

  int inputs, targets;
};

// Training samples in rows that start on a cache line.
struct MlpRows {
  MlpRows(const MlpData& data, Loss loss);

  // The samples chosen, as a block [values][128].
  void gather(const uint32_t* chosen, int samples, float* block) const;
  // Asks for what gather will read.
  void prefetch(const uint32_t* chosen, int samples) const;

  MlpSampleSize size;
  int64_t count, stride;
  AlignedBuffer<float> rows;
};

// Validation samples, all of them, in blocks: what every epoch of every network reads.
struct MlpBlocks {
  MlpBlocks(const MlpData& data, Loss loss);

  const float* block(int64_t index) const;

  MlpSampleSize size;
  int64_t count;
  AlignedBuffer<float> blocks;
};

}  // namespace mmkernels::cpu
