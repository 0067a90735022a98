# SPDX-License-Identifier: Apache-2.0
# fastcv._cuda: optional. Static CUDA runtime, so that the module imports on machines without a driver.
if(FASTCV_CUDA STREQUAL "OFF")
  return()
endif()
if(FASTCV_CUDA STREQUAL "AUTO")
  find_program(nvidia_smi nvidia-smi)
  if(nvidia_smi)
    execute_process(COMMAND ${nvidia_smi} -L OUTPUT_VARIABLE gpus ERROR_QUIET)
  endif()
  if(NOT gpus MATCHES "GPU")
    return()
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(NOT CMAKE_CUDA_COMPILER)
    message(WARNING "A GPU is here but nvcc is not (set CUDACXX): building without fastcv._cuda")
    return()
  endif()
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES native)  # all of them take seven times as long
  endif()
endif()

if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 86-real 89-real 90-real 100-real 120)
endif()
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
enable_language(CUDA)

file(GLOB cuda_sources CONFIGURE_DEPENDS cuda/*/*.cu)
add_library(fastcv_gpu STATIC ${cuda_sources})
target_include_directories(fastcv_gpu PUBLIC cpp .)  # "cuda/…" beside cpp's "…"
target_compile_options(fastcv_gpu PRIVATE -Xcompiler=-Wall,-Wextra -Werror=all-warnings)
# --fmad=false as -ffp-contract=off on the CPU: both decide ties alike. Bundle adjustment has no ties.
list(FILTER cuda_sources EXCLUDE REGEX "cuda/ba/")
set_source_files_properties(${cuda_sources} PROPERTIES COMPILE_OPTIONS --fmad=false)
target_compile_definitions(fastcv_gpu PRIVATE FASTCV_ISA=gpu)

# What a GPU's bundle adjustment does on the host. Not fastcv_cpu, which takes minutes to build.
add_library(fastcv_gpu_host STATIC
  cpp/ba/arrangement.cpp cpp/ba/cluster_frames.cpp cpp/ba/cluster_lists.cpp cpp/ba/clusters.cpp cpp/ba/inspect.cpp
  cpp/ba/levenberg_marquardt.cpp cpp/ba/resident_lists.cpp cpp/ba/unknowns.cpp cpp/core/interrupt.cpp
  cpp/core/parallel.cpp)
target_include_directories(fastcv_gpu_host PUBLIC cpp)
target_link_libraries(fastcv_gpu_host PUBLIC Threads::Threads)
fastcv_kernel_flags(fastcv_gpu_host)
target_link_libraries(fastcv_gpu PUBLIC fastcv_gpu_host)

file(GLOB cuda_bindings CONFIGURE_DEPENDS cuda/bindings/*.cpp)
fastcv_python_module(_cuda ${cuda_bindings})
find_package(CUDAToolkit REQUIRED)
target_link_libraries(_cuda PRIVATE fastcv_gpu CUDA::cudart_static)
fastcv_stubs(_cuda)
