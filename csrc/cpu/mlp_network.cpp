#include "mlp_network.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace mmkernels::cpu {
namespace {

MlpKernels::Evaluate evaluation(const MlpKernels& kernels, Loss loss) {
  if (loss == Loss::cross_entropy) return kernels.cross_entropy;
  return loss == Loss::l1 ? kernels.l1 : kernels.mse;
}

AlignedBuffer<float> zeros(int64_t count) {
  AlignedBuffer<float> buffer = make_aligned<float>(count);
  std::fill_n(buffer.get(), count, 0.0f);
  return buffer;
}

int64_t parameters_of(const MlpNetwork& network, int inputs, int outputs) {
  const int64_t width = network.width;
  return width * (inputs + 1) + (network.depth - 1) * width * (width + 1) + outputs * (width + 1);
}

}  // namespace

MlpTrainee::MlpTrainee(const MlpNetwork& network, int inputs, int outputs, Loss loss,
                       const float* parameters)
    : network_(network),
      inputs_(inputs),
      outputs_(outputs),
      evaluate_(evaluation(kernels_, loss)),
      tanh_(network.activation == Activation::tanh),
      slope_(tanh_ ? 1.0f : network.slope),
      count_(parameters_of(network, inputs, outputs)),
      padded_count_((count_ + kernels_.lanes - 1) / kernels_.lanes * kernels_.lanes),
      values_(zeros(padded_count_)),
      mean_(zeros(padded_count_)),
      square_(zeros(padded_count_)),
      gradient_(zeros(padded_count_)),
      sums_(zeros(padded_count_ * kernels_.lanes)),
      hidden_(zeros((int64_t{network.depth} * network.width + outputs) * kBlockSamples)),
      errors_(zeros(int64_t{std::max(network.width, outputs)} * kBlockSamples)),
      errors_below_(zeros(int64_t{std::max(network.width, outputs)} * kBlockSamples)) {
  std::copy_n(parameters, count_, values_.get());
}

MlpTrainee::Layer MlpTrainee::layer(int index) const {
  const int width = network_.width;
  const int64_t first = index == 0 ? 0
                                   : int64_t{width} * (inputs_ + 1) +
                                         (index - 1) * int64_t{width} * (width + 1);
  return {index == 0 ? inputs_ : width, index == network_.depth ? outputs_ : width, first};
}

LossSums MlpTrainee::judge(const float* block, int samples, float scale, float* errors) {
  for (int l = 0; l <= network_.depth; ++l) {
    const Layer own = layer(l);
    const bool head = l == network_.depth;
    kernels_.forward(values_.get() + own.first, own.inputs, own.units, entering(l, block), samples,
                     head ? 1.0f : slope_, values_of(l));
    if (tanh_ && !head) kernels_.tanh(values_of(l), own.units, samples);
  }
  return evaluate_(values_of(network_.depth), block + int64_t{inputs_} * kBlockSamples, outputs_,
                   samples, scale, errors);
}

LossSums MlpTrainee::evaluate(const float* block, int samples) {
  return judge(block, samples, 1.0f, nullptr);
}

LossSums MlpTrainee::learn(const float* block, int samples, float scale) {
  const LossSums losses = judge(block, samples, scale, errors_.get());
  for (int l = network_.depth; l >= 0; --l) {
    const Layer own = layer(l);
    const float* in = entering(l, block);
    kernels_.accumulate(errors_.get(), in, own.inputs, own.units, samples,
                        step_begins_, sums_.get() + own.first * kernels_.lanes);
    if (l == 0) break;
    kernels_.backward(values_.get() + own.first, own.inputs, own.units, errors_.get(), in, samples,
                      slope_, errors_below_.get());
    if (tanh_) kernels_.tanh_derivative(in, own.inputs, samples, errors_below_.get());
    std::swap(errors_, errors_below_);
  }
  step_begins_ = false;
  return losses;
}

void MlpTrainee::end_step(double clip) {
  const double squares = kernels_.reduce(sums_.get(), padded_count_, gradient_.get());
  const double factor = clip / (std::sqrt(squares) + 1e-6);
  step_begins_ = true;
  ++steps_;
  const double power = static_cast<double>(steps_);
  // NaN stays NaN, which ends the training.
  const AdamwStep step{
      .clip = static_cast<float>(factor > 1 ? 1 : factor),
      .decay = static_cast<float>(1 - network_.learning_rate * network_.weight_decay),
      .rate = static_cast<float>(network_.learning_rate / (1 - std::pow(0.9, power))),
      .root_correction = static_cast<float>(std::sqrt(1 - std::pow(0.999, power))),
  };
  kernels_.adamw(step, gradient_.get(), padded_count_, mean_.get(), square_.get(), values_.get());
}

}  // namespace mmkernels::cpu
