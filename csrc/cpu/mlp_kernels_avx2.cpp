// 16 registers: 6 x 2 or 3 x 4 sums, what they are sums of, and a weight.
#define MMK_NAMESPACE avx2
#define MMK_LANES 8
#define MMK_UNITS 6
#define MMK_GRADIENT_UNITS 3
#define MMK_GRADIENT_INPUTS 4
#include "mlp_kernels_body.hpp"
