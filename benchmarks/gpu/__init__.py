"""The benchmark of a machine with a CUDA device, run by gpu.sh; gpu_table.py prints its table."""
