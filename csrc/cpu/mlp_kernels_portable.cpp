// 16 registers of 128 bits, and no fused multiply-add: its products need some of their own.
#define MMK_NAMESPACE portable
#define MMK_LANES 4
#define MMK_UNITS 5
#define MMK_GRADIENT_UNITS 2
#define MMK_GRADIENT_INPUTS 4
#include "mlp_kernels_body.hpp"
