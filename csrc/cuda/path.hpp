// Which family of kernels a call runs: those for every device, or those made for Hopper.
#pragma once

#include <device/runtime.cuh>

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace mmkernels::cuda {

enum class Path { general, hopper };

// Of the current device. $MMKERNELS_CUDA_PATH is `general` or `sm90`; without it, general.
inline Path chosen_path() {
  const char* text = std::getenv("MMKERNELS_CUDA_PATH");
  const std::string wish = text ? text : "";
  if (wish.empty() || wish == "general") return Path::general;
  if (wish != "sm90")
    throw std::invalid_argument("MMKERNELS_CUDA_PATH is '" + wish + "'; it must be general or sm90.");
  const int capability = compute_capability();
  if (capability != 90)
    throw std::invalid_argument("MMKERNELS_CUDA_PATH is 'sm90', but the device is of compute capability " +
                                std::to_string(capability / 10) + "." + std::to_string(capability % 10) +
                                "; it must be 9.0, or the path general.");
  return Path::hopper;
}

}  // namespace mmkernels::cuda
