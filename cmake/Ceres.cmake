# SPDX-License-Identifier: Apache-2.0
# fastcv._ceres: the only module that links Ceres and what the distribution's Ceres drags in; loaded on first use.
if(FASTCV_CERES STREQUAL "OFF")
  return()
endif()
if(FASTCV_CERES STREQUAL "ON")
  find_package(Ceres 2.1 REQUIRED)
else()
  find_package(Ceres 2.1 QUIET)
endif()
if(NOT Ceres_FOUND)
  message(WARNING "Ceres was not found (Debian, Ubuntu: apt install libceres-dev): building without fastcv._ceres")
  return()
endif()

file(GLOB ceres_sources CONFIGURE_DEPENDS cpp/ba/ceres/*.cpp)
add_library(fastcv_ceres STATIC ${ceres_sources})
target_include_directories(fastcv_ceres PUBLIC cpp)
target_link_libraries(fastcv_ceres PUBLIC fastcv_cpu Ceres::ceres)
fastcv_kernel_flags(fastcv_ceres)
fastcv_python_module(_ceres cpp/bindings/ceres/module.cpp)
target_link_libraries(_ceres PRIVATE fastcv_ceres)
# Ceres' own symbols stay inside: pycolmap and pyceres bring other versions of it into the same process.
target_link_options(_ceres PRIVATE -Wl,--exclude-libs,ALL)
