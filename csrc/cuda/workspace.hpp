// Device memory of a call, which the caller's framework allocates: measured first, then dealt out.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mmkernels::cuda {

// The same sequence of take() measures with no memory and deals out with it.
class Workspace {
 public:
  Workspace() = default;
  explicit Workspace(void* memory) : next_(static_cast<char*>(memory)) {}

  template <class T>
  T* take(int64_t count) {
    constexpr size_t line = 256;
    const size_t bytes = (static_cast<size_t>(count) * sizeof(T) + line - 1) / line * line;
    used_ += bytes;
    if (!next_) return nullptr;
    T* memory = reinterpret_cast<T*>(next_);
    next_ += bytes;
    return memory;
  }

  size_t used() const { return used_; }

 private:
  char* next_ = nullptr;
  size_t used_ = 0;
};

}  // namespace mmkernels::cuda
