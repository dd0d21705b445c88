#include "hopper.hpp"

namespace mmkernels::shim {
namespace {

constexpr int kMostParts = 4;  // in which a box may arrive

void copy_rows(Block& block, size_t to, const TensorMap& map, int depth, int row, int begin,
               int end) {
  for (int r = begin; r < end; ++r)
    for (int chunk = 0; chunk < kBoxRowBytes / 16; ++chunk) {
      uint16_t values[8] = {};
      for (int c = 0; c < 8; ++c) {
        const int64_t i = int64_t{row} + r, d = int64_t{depth} + chunk * 8 + c;
        if (i >= 0 && i < map.rows && d >= 0 && d < map.depth)
          values[c] = map.values[i * map.depth + d];
      }
      const size_t at = to + static_cast<size_t>(r * kBoxRowBytes + chunk * 16);
      std::memcpy(block.shared + swizzled(at), values, 16);
    }
}

}  // namespace

void copy_box(int ranks, void* to_shared, const TensorMap& map, int depth, int row,
              uint64_t* barrier) {
  Block& from = block();
  const size_t bytes = static_cast<size_t>(map.box_rows) * kBoxRowBytes;
  const size_t to = shared_offset(from, to_shared, bytes);
  const size_t told = shared_offset(from, barrier, sizeof(*barrier));
  if (to % kBoxAlignment) throw std::runtime_error("a box is not copied to a multiple of 1024");
  if (ranks == 0) throw std::runtime_error("a box is copied to no block");
  const bool random = control().seed != 0;
  for (int rank = 0; ranks >> rank != 0; ++rank) {
    if (!(ranks >> rank & 1)) continue;
    Block& there = peer(from, rank);
    require_published(there, reinterpret_cast<uint64_t*>(there.shared + told));
    require_unread(there, to, to + bytes);
    require_copied(there, to, to + bytes);
    // What lies there may be gone at once, long before all of the box has come.
    if (random && chance()() % 2) std::memset(there.shared + to, 0xff, bytes);
    const int parts = random ? static_cast<int>(1 + chance()() % kMostParts) : 1;
    for (int part = 0; part < parts; ++part) {
      const int begin = map.box_rows * part / parts, end = map.box_rows * (part + 1) / parts;
      if (begin == end) continue;
      const auto run = [=, &from] {
        Block& block = peer(from, rank);
        copy_rows(block, to, map, depth, row, begin, end);
        bytes_arrived(reinterpret_cast<uint64_t*>(block.shared + told),
                      (end - begin) * kBoxRowBytes);
      };
      from.cluster->copies.push_back({&there, to + static_cast<size_t>(begin) * kBoxRowBytes,
                                      to + static_cast<size_t>(end) * kBoxRowBytes, run});
    }
  }
}

void require_copied(const Block& block, size_t begin, size_t end) {
  for (const BoxCopy& copy : block.cluster->copies)
    if (copy.block == &block && copy.begin < end && begin < copy.end)
      throw std::runtime_error("what boxes are still being copied to is used");
}

}  // namespace mmkernels::shim
