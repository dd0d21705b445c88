// Memory that starts on a cache line, as vector loads of panels require.
#pragma once

#include <cstdlib>
#include <memory>
#include <new>

namespace mmkernels {

struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};

template <class T>
using AlignedBuffer = std::unique_ptr<T[], FreeMemory>;

// Uninitialised storage for `count` values; throws std::bad_alloc.
template <class T>
AlignedBuffer<T> make_aligned(size_t count) {
  constexpr size_t line = 64;
  if (count > SIZE_MAX / sizeof(T) - line) throw std::bad_alloc();
  const size_t bytes = (count * sizeof(T) + line - 1) / line * line;
  void* memory = std::aligned_alloc(line, bytes ? bytes : line);
  if (!memory) throw std::bad_alloc();
  return AlignedBuffer<T>(static_cast<T*>(memory));
}

}  // namespace mmkernels
