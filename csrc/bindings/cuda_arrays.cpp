#include <array>
#include <optional>
#include <stdexcept>

#include "cuda_bindings.hpp"

namespace mmkernels::bindings {
namespace {

struct Known {
  uint8_t code, bits;
  const char* name;
  Type type;
};

constexpr std::array kKnown{
    Known{dlpack::kFloating, 16, "float16", Type::float16},
    Known{dlpack::kBfloat, 16, "bfloat16", Type::bfloat16},
    Known{dlpack::kFloating, 32, "float32", Type::float32},
    Known{dlpack::kFloating, 64, "float64", Type::float64},
    Known{dlpack::kBoolean, 8, "bool", Type::bool8},
    Known{dlpack::kInteger, 8, "int8", Type::int8},
    Known{dlpack::kInteger, 16, "int16", Type::int16},
    Known{dlpack::kInteger, 32, "int32", Type::int32},
    Known{dlpack::kInteger, 64, "int64", Type::int64},
    Known{dlpack::kUnsigned, 8, "uint8", Type::uint8},
    Known{dlpack::kUnsigned, 16, "uint16", Type::uint16},
    Known{dlpack::kUnsigned, 32, "uint32", Type::uint32},
    Known{dlpack::kUnsigned, 64, "uint64", Type::uint64},
};

const Known* find(const dlpack::DataType& type) {
  for (const Known& known : kKnown)
    if (type.lanes == 1 && type.code == known.code && type.bits == known.bits) return &known;
  return nullptr;
}

std::string name_of(const dlpack::DataType& type) {
  if (const Known* known = find(type)) return known->name;
  if (type.lanes == 1 && type.code == dlpack::kComplex)
    return "complex" + std::to_string(type.bits);
  std::string name = "DLPack type " + std::to_string(type.code) + " of " +
                     std::to_string(type.bits) + " bits";
  if (type.lanes != 1) name += " in vectors of " + std::to_string(type.lanes);
  return name;
}

// Takes what the capsule holds, if it is of that kind. From then on the owner frees it.
template <class Holder>
Holder* take(const py::capsule& capsule, std::shared_ptr<void>& owner) {
  using Names = dlpack::Names<Holder>;
  if (!PyCapsule_IsValid(capsule.ptr(), Names::fresh)) return nullptr;
  auto* holder = static_cast<Holder*>(PyCapsule_GetPointer(capsule.ptr(), Names::fresh));
  if (PyCapsule_SetName(capsule.ptr(), Names::used) != 0) throw py::error_already_set();
  owner = std::shared_ptr<void>(holder, [](void* held) {
    auto* taken = static_cast<Holder*>(held);
    if (taken->deleter) taken->deleter(taken);
  });
  return holder;
}

}  // namespace

Type type_named(const std::string& name) {
  for (const Known& known : kKnown)
    if (name == known.name) return known.type;
  throw std::invalid_argument("no type is named " + name);
}

BoundArray::BoundArray(const py::capsule& capsule) {
  if (auto* versioned = take<dlpack::ManagedVersioned>(capsule, owner_)) {
    if (versioned->version.major > dlpack::kMajor)
      throw py::buffer_error("It speaks DLPack " + std::to_string(versioned->version.major) +
                             ".x; version 1 was asked for.");
    read(versioned->tensor);
  } else if (auto* managed = take<dlpack::Managed>(capsule, owner_)) {
    read(managed->tensor);
  } else {
    throw py::value_error("It is no DLPack capsule, or one that has been consumed.");
  }
}

void BoundArray::read(const dlpack::Tensor& tensor) {
  if (tensor.device.type != dlpack::kCuda && tensor.device.type != dlpack::kCudaManaged)
    throw py::buffer_error("It is not in CUDA memory, but on DLPack's device type " +
                           std::to_string(tensor.device.type) + ".");
  device_ = tensor.device.index;
  type_ = tensor.type;
  type_name_ = name_of(type_);
  data_ = static_cast<const char*>(tensor.data) + tensor.byte_offset;
  shape_.assign(tensor.shape, tensor.shape + tensor.dimensions);
  byte_strides_.resize(shape_.size());
  int64_t compact = 1;
  for (size_t axis = shape_.size(); axis-- > 0;) {
    const int64_t stride = tensor.strides ? tensor.strides[axis] : compact;
    byte_strides_[axis] = stride * type_.bits / 8;
    compact *= shape_[axis];
  }
}

ArrayView BoundArray::view() const {
  const Known* known = find(type_);
  if (shape_.size() != 2 || !known)
    throw std::invalid_argument("Expected a two-dimensional array of real numbers.");
  if (address() % (known->bits / 8) != 0)
    throw std::invalid_argument("The values of the array are not aligned to their size.");
  return {data_, shape_[0], shape_[1], byte_strides_[0], byte_strides_[1], known->type};
}

Workspace workspace_at(Address address) {
  if (address == 0 || address % 256 != 0)
    throw std::invalid_argument("Workspace must be aligned to 256 bytes.");
  return Workspace(pointer_to<void>(address));
}

void bind_arrays(py::module_& module) {
  // Local, so that this module and the tests' shim may both be loaded.
  py::class_<BoundArray>(module, "Array", py::module_local())
      .def(py::init<const py::capsule&>(), py::arg("capsule"))
      .def_property_readonly("shape", [](const BoundArray& array) { return py::tuple(py::cast(array.shape())); })
      .def_property_readonly("type", &BoundArray::type_name)
      .def_property_readonly("device", &BoundArray::device)
      .def_property_readonly("pointer", &BoundArray::address);
}

}  // namespace mmkernels::bindings
