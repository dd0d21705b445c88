// 32 registers: 12 x 2 sums, or 4 x 4 and what they are sums of.
#define MMK_NAMESPACE avx512
#define MMK_LANES 16
#define MMK_UNITS 12
#define MMK_GRADIENT_UNITS 4
#define MMK_GRADIENT_INPUTS 4
#include "mlp_kernels_body.hpp"
