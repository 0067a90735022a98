// SPDX-License-Identifier: Apache-2.0
// Declares the functions of the header FASTCV_LEAF once per instruction set, and calls the one for this processor.
//
//   #define FASTCV_LEAF "camera/project.leaf.h"
//   #include "core/leaf.h"
//   void project(...) { FASTCV_DISPATCH(project(...)); }
//
// The leaf header has no include guard: it declares functions in namespace fastcv::FASTCV_ISA and includes nothing.

#include "core/isa.h"

#undef FASTCV_ISA
#define FASTCV_ISA isa_v2
#include FASTCV_LEAF
#ifndef FASTCV_BASELINE_ONLY
#undef FASTCV_ISA
#define FASTCV_ISA isa_v3
#include FASTCV_LEAF
#undef FASTCV_ISA
#define FASTCV_ISA isa_v4
#include FASTCV_LEAF
#endif
#undef FASTCV_ISA
#define FASTCV_ISA generic
#undef FASTCV_LEAF

#ifndef FASTCV_DISPATCH
#ifndef FASTCV_BASELINE_ONLY
#define FASTCV_DISPATCH(...)                  \
  do {                                        \
    switch (::fastcv::active_isa()) {         \
      case ::fastcv::Isa::v4:                 \
        return ::fastcv::isa_v4::__VA_ARGS__; \
      case ::fastcv::Isa::v3:                 \
        return ::fastcv::isa_v3::__VA_ARGS__; \
      default:                                \
        return ::fastcv::isa_v2::__VA_ARGS__; \
    }                                         \
  } while (false)
#else
#define FASTCV_DISPATCH(...) return ::fastcv::isa_v2::__VA_ARGS__
#endif
#endif
