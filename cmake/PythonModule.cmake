# SPDX-License-Identifier: Apache-2.0
# nanobind modules in split mode: the binding runtime is the package nanobind-backend, so that one abi3 wheel serves
# Python 3.10 and later.
find_package(Python 3.10 REQUIRED COMPONENTS Interpreter Development.Module OPTIONAL_COMPONENTS Development.SABIModule)
find_package(nanobind CONFIG REQUIRED)

function(fastcv_python_module name)
  # NOMINSIZE: nanobind would append -Os, after our -O3, to whatever is compiled here.
  # A domain of its own: _core and _cuda bind the same types, which nanobind refuses to register twice.
  nanobind_add_module(${name} BACKEND_MODULE nanobind_backend NB_DOMAIN fastcv${name} NOMINSIZE NB_SUPPRESS_WARNINGS ${ARGN})
  target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra>)
  target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${FASTCV_WERROR}>)
  target_include_directories(${name} PRIVATE cpp)
  # auditwheel wants libc among the needed libraries, which a module without direct calls would lack.
  target_link_options(${name} PRIVATE -Wl,--no-as-needed)
  target_link_libraries(${name} PRIVATE c)
  install(TARGETS ${name} LIBRARY DESTINATION fastcv)
endfunction()

# Type stubs of a module, made at install time (at build time they get wrong imports inside a package), and only for
# wheels: an editable install would inspect the previous build.
function(fastcv_stubs name)
  if(SKBUILD_STATE STREQUAL "wheel" AND NOT FASTCV_SANITIZE)
    # A stub that cannot be made fails the build, which nanobind's script leaves out (heeded from CMake 4.0 on).
    install(CODE "set(CMAKE_EXECUTE_PROCESS_COMMAND_ERROR_IS_FATAL ANY)")
    nanobind_add_stub(${name}_stub INSTALL_TIME RECURSIVE MODULE fastcv.${name} OUTPUT_PATH fastcv PYTHON_PATH ".")
  endif()
endfunction()
