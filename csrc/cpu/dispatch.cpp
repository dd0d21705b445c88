#include <cstdlib>
#include <stdexcept>
#include <string>

#include "mlp_kernels.hpp"
#include "tile_kernels.hpp"

namespace mmkernels::cpu {

#ifdef MMK_BUILD_AVX512
namespace avx512 {
extern const TileKernels kernels;
extern const MlpKernels mlp_kernels;
}
#endif
#ifdef MMK_BUILD_AVX2
namespace avx2 {
extern const TileKernels kernels;
extern const MlpKernels mlp_kernels;
}
#endif
#ifdef MMK_BUILD_AVX512BF16
namespace avx512bf16 {
void multiply_bfloat16(const float* a, const float* b, int64_t pairs, float* tile);
}
#endif
namespace portable {
extern const TileKernels kernels;
extern const MlpKernels mlp_kernels;
}

namespace {

struct Choice {
  const TileKernels* tiles;
  const MlpKernels* mlps;
  bool runs_here;
};

Choice choose() {
#ifdef MMK_BUILD_AVX512BF16
  static const TileKernels with_bfloat16 = [] {
    TileKernels kernels = avx512::kernels;
    kernels.name = "avx512bf16";
    kernels.multiply_bfloat16 = avx512bf16::multiply_bfloat16;
    return kernels;
  }();
#endif
#ifdef MMK_BUILD_AVX512
  const bool avx512_runs = __builtin_cpu_supports("avx512f") &&
                           __builtin_cpu_supports("avx512bw") &&
                           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
  // Best first. __builtin_cpu_supports also asks whether the system saves the wide registers.
  const Choice choices[] = {
#ifdef MMK_BUILD_AVX512BF16
      {&with_bfloat16, &avx512::mlp_kernels,
       avx512_runs && __builtin_cpu_supports("avx512bf16")},
#endif
#ifdef MMK_BUILD_AVX512
      {&avx512::kernels, &avx512::mlp_kernels, avx512_runs},
#endif
#ifdef MMK_BUILD_AVX2
      {&avx2::kernels, &avx2::mlp_kernels,
       __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")},
#endif
      {&portable::kernels, &portable::mlp_kernels, true},
  };
  const char* wanted = std::getenv("MMKERNELS_ISA");
  std::string available;
  for (const Choice& choice : choices) {
    if (!choice.runs_here) continue;
    if (!wanted || !*wanted || std::string(wanted) == choice.tiles->name) return choice;
    available += (available.empty() ? "" : ", ") + std::string(choice.tiles->name);
  }
  throw std::invalid_argument("MMKERNELS_ISA is '" + std::string(wanted) +
                              "'; this build on this processor can run: " + available + ".");
}

const Choice& chosen() {
  static const Choice choice = choose();
  return choice;
}

}  // namespace

const TileKernels& tile_kernels() { return *chosen().tiles; }

const MlpKernels& mlp_kernels() { return *chosen().mlps; }

}  // namespace mmkernels::cpu
