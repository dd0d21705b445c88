// What kernels read of split operands.
#pragma once

#include "features.cuh"
#include "split_operands.hpp"

namespace mmkernels::cuda {

// c_ic times this is what the parts add up to.
__device__ __forceinline__ double split_scale(const Features& features) {
  return scale_of(features, 0);
}

}  // namespace mmkernels::cuda
