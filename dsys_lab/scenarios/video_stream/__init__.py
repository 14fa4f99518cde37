"""A film that never ends is cut, uploaded while it is filmed, kept for a while, and watched live or asked for a moment.

`nights` has the runs, `machines` the camera, the archive and who watches, `counts` what a run or many runs come to,
`kept` what stands in an archive at the end of a run.
"""

from dsys_lab.scenarios.video_stream.nights import edge, live, outage, shaky

__all__ = ["edge", "live", "outage", "shaky"]
