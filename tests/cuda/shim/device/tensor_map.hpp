// Takes the place of csrc/cuda/device/tensor_map.hpp.
#pragma once

#include "../hopper.hpp"
#include "runtime.cuh"

namespace mmkernels::cuda {

using TensorMap = shim::TensorMap;
using shim::kBoxDepth;

inline TensorMap make_tensor_map(const uint16_t* values, int64_t rows, int64_t depth, int box_rows) {
  if (reinterpret_cast<uintptr_t>(values) % 16 || rows < 1 || depth < 1 || depth % 8 || box_rows < 1 ||
      box_rows > 256)
    throw std::runtime_error("a tensor map of an array that the copy engine cannot read");
  return {values, rows, depth, box_rows};
}

}  // namespace mmkernels::cuda
