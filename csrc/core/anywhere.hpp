// Marks functions that host and device code share.
#pragma once

#if defined(__CUDACC__)
#define MMKERNELS_ANYWHERE __host__ __device__
#else
#define MMKERNELS_ANYWHERE
#endif
