// The binary interface of DLPack, versions 0.x (DLManagedTensor) and 1.x (DLManagedTensorVersioned):
// what a library that gives away an array writes into a capsule.
#pragma once

#include <cstdint>

namespace mmkernels::bindings::dlpack {

enum DeviceType : int32_t { kCuda = 2, kCudaManaged = 13 };
enum TypeCode : uint8_t {
  kInteger = 0, kUnsigned = 1, kFloating = 2, kOpaque = 3, kBfloat = 4, kComplex = 5, kBoolean = 6,
};

struct Device {
  int32_t type;
  int32_t index;
};

struct DataType {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;  // values per element: 1 but for vectors
};

struct Tensor {
  void* data;
  Device device;
  int32_t dimensions;
  DataType type;
  int64_t* shape;
  int64_t* strides;  // in elements; null where the array is compact and row-major
  uint64_t byte_offset;
};

struct Managed {
  Tensor tensor;
  void* context;
  void (*deleter)(Managed*);
};

struct Version {
  uint32_t major;
  uint32_t minor;
};

// Of a later major version nothing but `version` and `deleter` may be touched.
struct ManagedVersioned {
  Version version;
  void* context;
  void (*deleter)(ManagedVersioned*);
  uint64_t flags;
  Tensor tensor;
};

inline constexpr uint32_t kMajor = 1;

// A capsule is renamed by whoever takes what it holds, and then calls the deleter.
template <class Holder>
struct Names;
template <>
struct Names<Managed> {
  static constexpr const char *fresh = "dltensor", *used = "used_dltensor";
};
template <>
struct Names<ManagedVersioned> {
  static constexpr const char *fresh = "dltensor_versioned", *used = "used_dltensor_versioned";
};

}  // namespace mmkernels::bindings::dlpack
