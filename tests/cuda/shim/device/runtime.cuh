// Takes the place of csrc/cuda/device/runtime.cuh: the "device" is this process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

#include "../fibers.hpp"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __restrict__
#define __grid_constant__

namespace mmkernels::cuda {

using Stream = void*;

inline constexpr size_t kSharedUnasked = 48 * 1024, kSharedMost = 99 * 1024;
inline constexpr size_t kSharedOfHopper = 227 * 1024;
inline constexpr int64_t kMostBlocks = (int64_t{1} << 31) - 1;

template <class... Parameters, class... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), int64_t blocks, int threads,
            size_t shared_bytes, Stream, Arguments... arguments) {
  if (blocks > kMostBlocks) throw std::runtime_error(std::string(name) + ": too many blocks");
  if (shared_bytes > kSharedMost)
    throw std::runtime_error(std::string(name) + ": more shared memory than every device has");
  const std::tuple<Parameters...> values(static_cast<Parameters>(arguments)...);
  shim::run(name, blocks, 1, threads, shared_bytes, [&] { std::apply(kernel, values); });
}

template <class... Parameters, class... Arguments>
void launch_clusters(const char* name, void (*kernel)(Parameters...), int64_t clusters, int size,
                     int threads, size_t shared_bytes, Stream, Arguments... arguments) {
  if (clusters * size > kMostBlocks) throw std::runtime_error(std::string(name) + ": too many blocks");
  if (shared_bytes > kSharedOfHopper)
    throw std::runtime_error(std::string(name) + ": more shared memory than the devices have");
  const std::tuple<Parameters...> values(static_cast<Parameters>(arguments)...);
  shim::run(name, clusters, size, threads, shared_bytes, [&] { std::apply(kernel, values); });
}

inline void fill(void* memory, int byte, size_t bytes, Stream) {
  if (bytes) std::memset(memory, byte, bytes);
}

inline void copy(void* to, const void* from, size_t bytes, Stream) {
  if (bytes) std::memcpy(to, from, bytes);
}

inline void wait(Stream) {}

inline int multiprocessors() { return shim::control().multiprocessors; }
// What any path may be tried on.
inline int compute_capability() { return 90; }

class DeviceGuard {
 public:
  explicit DeviceGuard(int) {}
};

struct Availability {
  int devices = 0;
  std::string reason;
};

inline Availability availability() { return {1, ""}; }

}  // namespace mmkernels::cuda
