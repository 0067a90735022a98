// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::mvs {

// The levels of a tile, of a sweep's costs or of stored ones. Each returns the bytes of scratch memory that it wants;
// with scratch null it does nothing else.
std::int64_t sweep_levels(const fastcv::mvs::Sweep& sweep, const fastcv::mvs::Tile& tile,
                          const fastcv::mvs::LevelBand& band, std::byte* scratch);
std::int64_t stored_levels(View<const float, 3> costs, const fastcv::mvs::Tile& tile,
                           const fastcv::mvs::LevelBand& band, std::byte* scratch);

// Bytes of scratch memory for one row, and for the paths that go from row to row.
std::int64_t smoothing_row_bytes(const fastcv::mvs::LevelBand& band);
std::int64_t smoothing_path_bytes(const fastcv::mvs::LevelBand& band);

// Columns [begin, end) of a row, once the row before has passed column end. Paths from above go down the image. Those
// from below go the same way through the image turned by 180 degrees, whose rows and columns are meant then; they come
// last and write the result.
void smooth_from_above(const fastcv::mvs::LevelBand& band, std::int64_t row, std::int64_t begin, std::int64_t end,
                       std::byte* scratch, std::byte* paths);
void smooth_from_below(const fastcv::mvs::LevelBand& band, const fastcv::mvs::SmoothSink& sink, std::int64_t row,
                       std::int64_t begin, std::int64_t end, std::byte* scratch, std::byte* paths);

}  // namespace fastcv::FASTCV_ISA::mvs
