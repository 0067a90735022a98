// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::mvs {

// Bytes of scratch memory for one row, and for the paths that go from row to row.
std::int64_t row_scratch_bytes(const fastcv::mvs::StereoPair& pair);
std::int64_t path_bytes(const fastcv::mvs::StereoPair& pair);

// One row in three steps: what concerns it alone; columns [begin, end) of the paths from above, once the row above has
// passed column end; the result.
void start_row(const fastcv::mvs::StereoPair& pair, std::int64_t y, std::byte* scratch);
void match_columns(const fastcv::mvs::StereoPair& pair, std::int64_t y, std::int64_t begin, std::int64_t end,
                   std::byte* scratch, std::byte* paths);
void finish_row(const fastcv::mvs::StereoPair& pair, std::int64_t y, std::byte* scratch);

}  // namespace fastcv::FASTCV_ISA::mvs
