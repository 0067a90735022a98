# SPDX-License-Identifier: Apache-2.0
# Tests of what Python cannot reach: tests/<room>/*_test.cpp in one executable. Needs doctest (apt: doctest-dev).
if(NOT FASTCV_NATIVE_TESTS)
  return()
endif()
find_path(DOCTEST_INCLUDE doctest/doctest.h REQUIRED)
file(GLOB native_test_sources CONFIGURE_DEPENDS tests/*/*_test.cpp)
add_executable(native_tests tests/core/native_tests.cpp ${native_test_sources})
target_include_directories(native_tests PRIVATE ${DOCTEST_INCLUDE})
target_link_libraries(native_tests PRIVATE fastcv_cpu Eigen3::Eigen)
fastcv_kernel_flags(native_tests)
