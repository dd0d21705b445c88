// What host code needs of a CUDA device: launches, fills, and errors as exceptions. The tests put a
// directory with a header of the same name, which runs kernels on the CPU, in the place of this one.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

namespace mmkernels::cuda {

using Stream = cudaStream_t;

// Memory that CUDA itself lacks, as for the code of a kernel when it is first launched.
class OutOfDeviceMemory : public std::bad_alloc {
 public:
  explicit OutOfDeviceMemory(std::string sentence) : sentence_(std::move(sentence)) {}
  const char* what() const noexcept override { return sentence_.c_str(); }

 private:
  std::string sentence_;
};

inline void require(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // else the next call, perhaps another library's, would report it
  const std::string sentence = std::string("CUDA: ") + what + ": " + cudaGetErrorString(status) + ".";
  if (status == cudaErrorMemoryAllocation) throw OutOfDeviceMemory(sentence);
  throw std::runtime_error(sentence);
}

// Launches of more shared memory than a kernel may have unasked; any device has these 99 KiB.
inline constexpr size_t kSharedUnasked = 48 * 1024, kSharedMost = 99 * 1024;
inline constexpr int64_t kMostBlocks = (int64_t{1} << 31) - 1;  // of a launch
// Of compute capability 9.0.
inline constexpr size_t kSharedOfHopper = 227 * 1024;

#if defined(__CUDACC__)
// Always the most: the limit is the kernel's, and threads of the host that ask for less would take it
// from one another.
inline void allow_shared(const char* name, const void* kernel, size_t bytes) {
  require(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(bytes)),
          name);
}

template <class... Parameters, class... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), int64_t blocks, int threads,
            size_t shared_bytes, Stream stream, Arguments... arguments) {
  if (blocks == 0) return;
  if (blocks > kMostBlocks)
    throw std::runtime_error(std::string("CUDA: ") + name + ": too many blocks.");
  if (shared_bytes > kSharedUnasked)
    allow_shared(name, reinterpret_cast<const void*>(kernel), kSharedMost);
  kernel<<<static_cast<unsigned>(blocks), threads, shared_bytes, stream>>>(
      static_cast<Parameters>(arguments)...);
  require(cudaGetLastError(), name);
}

// `clusters` times `size` blocks, which are on multiprocessors at the same time; on devices of
// compute capability 9.0.
template <class... Parameters, class... Arguments>
void launch_clusters(const char* name, void (*kernel)(Parameters...), int64_t clusters, int size,
                     int threads, size_t shared_bytes, Stream stream, Arguments... arguments) {
  if (clusters == 0) return;
  if (clusters * size > kMostBlocks)
    throw std::runtime_error(std::string("CUDA: ") + name + ": too many blocks.");
  allow_shared(name, reinterpret_cast<const void*>(kernel), kSharedOfHopper);
  cudaLaunchAttribute shape{};
  shape.id = cudaLaunchAttributeClusterDimension;
  shape.val.clusterDim.x = static_cast<unsigned>(size);
  shape.val.clusterDim.y = shape.val.clusterDim.z = 1;
  cudaLaunchConfig_t how{};
  how.gridDim = dim3(static_cast<unsigned>(clusters * size));
  how.blockDim = dim3(static_cast<unsigned>(threads));
  how.dynamicSmemBytes = shared_bytes;
  how.stream = stream;
  how.attrs = &shape;
  how.numAttrs = 1;
  require(cudaLaunchKernelEx(&how, kernel, static_cast<Parameters>(arguments)...), name);
}
#endif

inline void fill(void* memory, int byte, size_t bytes, Stream stream) {
  if (bytes) require(cudaMemsetAsync(memory, byte, bytes, stream), "fill");
}

inline void copy(void* to, const void* from, size_t bytes, Stream stream) {
  if (bytes) require(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream), "copy");
}

// The one function that lets the host wait; only where it is to look at values.
inline void wait(Stream stream) { require(cudaStreamSynchronize(stream), "wait"); }

// Of the current device.
inline int multiprocessors() {
  int device = 0, count = 0;
  require(cudaGetDevice(&device), "device");
  require(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device), "device");
  return count;
}

// Of the current device: 90 for 9.0.
inline int compute_capability() {
  int device = 0, major = 0, minor = 0;
  require(cudaGetDevice(&device), "device");
  require(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device), "device");
  require(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device), "device");
  return 10 * major + minor;
}

// Makes a device current for as long as it lives.
class DeviceGuard {
 public:
  explicit DeviceGuard(int device) {
    require(cudaGetDevice(&before_), "device");
    if (before_ != device) require(cudaSetDevice(device), "device");
  }
  ~DeviceGuard() { cudaSetDevice(before_); }
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;

 private:
  int before_ = 0;
};

inline constexpr int kOldestMajor = 8;

// Devices that can run these kernels, or a sentence why there are none.
struct Availability {
  int devices = 0;
  std::string reason;
};

inline Availability availability() {
  int count = 0, driver = 0;
  // Without a driver the runtime would only say that its version is insufficient.
  if (cudaDriverGetVersion(&driver) == cudaSuccess && driver == 0)
    return {0, "No CUDA driver is installed."};
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess) {
    cudaGetLastError();
    return {0, std::string("CUDA reports: ") + cudaGetErrorString(status) + "."};
  }
  if (count == 0) return {0, "No CUDA device is visible."};
  for (int device = 0; device < count; ++device) {
    int major = 0;
    cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
    if (major >= kOldestMajor) return {count, ""};
  }
  return {0, "No CUDA device is of compute capability 8.0 or newer."};
}

}  // namespace mmkernels::cuda
