// One network: what it says of a block of samples, the gradient, and a step of AdamW.
#pragma once

#include <cstdint>

#include "../core/aligned_buffer.hpp"
#include "mlp_ensemble.hpp"
#include "mlp_kernels.hpp"

namespace mmkernels::cpu {

class MlpTrainee {
 public:
  MlpTrainee(const MlpNetwork& network, int inputs, int outputs, Loss loss,
             const float* parameters);

  int64_t parameter_count() const { return count_; }
  const float* parameters() const { return values_.get(); }
  const float* gradient() const { return gradient_.get(); }  // of the last step, not clipped

  // Losses of a block of inputs, then targets; see mlp_samples.hpp.
  LossSums evaluate(const float* block, int samples);

  // A step: the blocks of its batch, then its end. `scale` is 1 over what the loss is a mean of.
  LossSums learn(const float* block, int samples, float scale);
  void end_step(double clip);

 private:
  struct Layer {
    int inputs, units;
    int64_t first;  // of its parameters
  };

  Layer layer(int index) const;
  // Values that enter a layer: the block's inputs, or what the layer before made of them.
  const float* entering(int index, const float* block) const {
    return index == 0 ? block : values_of(index - 1);
  }
  float* values_of(int index) const {
    return hidden_.get() + static_cast<int64_t>(index) * network_.width * kBlockSamples;
  }
  LossSums judge(const float* block, int samples, float scale, float* errors);

  const MlpKernels& kernels_ = mlp_kernels();
  const MlpNetwork network_;
  const int inputs_, outputs_;
  const MlpKernels::Evaluate evaluate_;
  const bool tanh_;
  const float slope_;  // 1, the identity, where the activation is not a rectifier
  const int64_t count_;
  const int64_t padded_count_;  // to whole vectors; what is added stays 0
  int64_t steps_ = 0;
  bool step_begins_ = true;
  AlignedBuffer<float> values_, mean_, square_, gradient_;
  AlignedBuffer<float> sums_;    // [padded_count][lanes], of the batch so far
  AlignedBuffer<float> hidden_;  // [depth][width][128], then the predictions [outputs][128]
  AlignedBuffer<float> errors_, errors_below_;
};

}  // namespace mmkernels::cpu
