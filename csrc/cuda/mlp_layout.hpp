// Where a network's numbers lie: every width is rounded up to a multiple of 4, and what is added is
// zero and stays zero, in parameters, activations and gradients, so that no product needs a mask.
#pragma once

#include <cstdint>

#include "../core/anywhere.hpp"

namespace mmkernels::cuda {

// A thread multiplies blocks of 4 x 4 numbers: two reads of 16 bytes for every 16 products.
inline constexpr int kSide = 4;

MMKERNELS_ANYWHERE inline int padded(int count) { return (count + kSide - 1) / kSide * kSide; }

// `depth` hidden layers, then the head, which is layer `depth`.
struct NetworkShape {
  int depth, width, inputs, outputs;

  MMKERNELS_ANYWHERE int rows_in(int layer) const { return padded(layer == 0 ? inputs : width); }
  MMKERNELS_ANYWHERE int rows_out(int layer) const {
    return padded(layer == depth ? outputs : width);
  }
  // Parameters: per layer the weights [rows_out][rows_in], then the bias [rows_out].
  MMKERNELS_ANYWHERE int weights_at(int layer) const {
    const int units = padded(width);
    return layer == 0 ? 0 : units * (padded(inputs) + 1) + (layer - 1) * units * (units + 1);
  }
  MMKERNELS_ANYWHERE int bias_at(int layer) const {
    return weights_at(layer) + rows_out(layer) * rows_in(layer);
  }
  MMKERNELS_ANYWHERE int parameters() const { return bias_at(depth) + rows_out(depth); }
  // Activations: rows of a chunk of samples; first those of layer 0, the inputs.
  MMKERNELS_ANYWHERE int activation_row(int layer) const {
    return layer == 0 ? 0 : padded(inputs) + (layer - 1) * padded(width);
  }
  MMKERNELS_ANYWHERE int activation_rows() const { return activation_row(depth) + padded(width); }
  MMKERNELS_ANYWHERE int error_rows() const {
    return padded(width > outputs ? width : outputs);
  }
};

// The numbers that a block works on: parameters, their gradient, and of a chunk of samples the
// activations of all layers and the errors of two.
struct BlockLayout {
  int gradient_at, activations_at, errors_at, floats;

  MMKERNELS_ANYWHERE BlockLayout(const NetworkShape& shape, int chunk)
      : gradient_at(shape.parameters()),
        activations_at(2 * shape.parameters()),
        errors_at(activations_at + shape.activation_rows() * chunk),
        floats(errors_at + 2 * shape.error_rows() * chunk) {}
};

}  // namespace mmkernels::cuda
