# %% [markdown]
# # Video stream
#
# <!-- binder --><!-- /binder -->
#
# *A film that never ends is uploaded while it is filmed: how does it become data, and how live is live?*

# %% [markdown]
# ## Question
#
# A **night camera** hangs above a bed and films the sleeper. Nobody wants to wait for the morning to upload eight hours:
# somebody looks in *now*, and somebody else asks next week what happened at ten past three.
#
# So a film must become data: cut into parts that can be uploaded one by one, found by time, and thrown away by age. How
# long shall a part be? How far behind life does one see? And what is left of the minutes in which the camera's link was
# down?
#
# *In a hurry:* Picture, By hand, experiments 1 and 3 of Play, and [Choose](#Choose).

# %%
from dsys_lab.lessons import (
    differences,
    exercise,
    facts,
    measured,
    notes,
    player,
    predict,
    progress,
    show_source,
)

# %% [markdown]
# ## The notes say

# %%
notes("Kinesis - Video Streams")

# %% [markdown]
# That is the heart of it. What can be added, as of November 2026:
#
# | the notes | in finer print |
# |---|---|
# | Auto-upload video | by a library on the device, which also has a buffer for the time without a link: experiment 3 |
# | while it's being created | in *fragments*, some seconds each. Their length decides how live it is: experiment 1 |
# | compression | it is the camera that compresses (H.264, H.265); the service packs the same frames into other boxes |
# | live streaming | seconds behind life by HLS, the way of fragments; below one by WebRTC, the way of single frames |
# | (stored) | only if one says for how long: experiment 7 |

# %% [markdown]
# ## Picture
#
# This is what the camera sees, filmed in the dark by the warmth of the sleeper, with the camera's own clock in the
# corner. Press play. (It is H.264, made here by the same libraries that most programs use; 48 seconds are some 55 kB.)

# %%
from dsys_lab.lessons.films import Played, moments, night_film

# %%
film = night_film()
Played(film)

# %% [markdown]
# A **frame** is one picture, twelve a second here. To save bytes most frames say only what has *changed*; a **key frame**
# is whole by itself. A **fragment** begins with a key frame, so it can be decoded alone.
#
# Now the film on its way. From left to right is the camera's time; each block is a fragment, the stripe at its left the
# key frame. It grows while it is filmed (on the device), is uploaded (on its way) and stands on the shelf (in the
# archive). The triangle is somebody who watches live: the player begins when three fragments are there, with the oldest
# of them. Move the slider:

# %%
from dsys_lab.scenarios.video_stream import edge, live, outage, shaky
from dsys_lab.views import charts

# %%
run = live()
charts.sliding(
    lambda now_s: charts.film_strip(run, now_s),
    now_s=(0.2, 44.0, 0.2),
    at={"now_s": 18.4},
)

# %% [markdown]
# The same run, every row of it. Discs are fragments (*f1*, *f2*, …); `camera/buffer` is the device's drawer. The archive
# is a tape (pink: it begins with a key frame) with the viewer's position under it, and `viewer/buffer` is what the player
# has fetched and not yet shown. Below the picture, *live delay* is the age of what the viewer sees. Press **space**, then
# click a disc to follow it for life.

# %%
player(run)

# %% [markdown]
# ## By hand
#
# Be the camera. The archive reads no clock: you say what time it is, in microseconds, and of each fragment when it was
# filmed and how long it lasts. Twice 2 s, each put when it is complete:

# %%
from dsys_lab.brokers.video_stream import Fragment, VideoStream
from dsys_lab.scenarios.video_stream import counts, kept
from dsys_lab.structures import VolatileDisk

# %%
s = 1_000_000
bed = VideoStream("bed", VolatileDisk(), retention_s=3_600)
for n in (1, 2):
    said = bed.put(2 * n * s, Fragment(f"f{n}", (2 * n - 2) * s, 2 * s, b"..."))
    print(f"persisted: {said.message}, number {said.number}")

# %% [markdown]
# *Persisted*: it is on disk. (The service answers each fragment three times: *buffering*, *received*, *persisted*. Only
# the last is what other labs call acknowledged.) The link fails for a while, *f4* comes before *f3* is there, and *f5* never comes. Where was
# the sleeper at second 7, and what cannot be seen?

# %%
bed.put(9 * s, Fragment("f4", 6 * s, 2 * s, b"..."))
print(bed.moment(9 * s, 7 * s).message)
kept.gaps_s(bed, 0, 10)

# %% [markdown]
# A **gap** is said, not guessed: an interval of the camera's time of which nothing can be played. *f3* comes late, and
# the first gap is gone:

# %%
bed.put(11 * s, Fragment("f3", 4 * s, 2 * s, b"..."))
kept.gaps_s(bed, 0, 10)

# %% [markdown]
# A player on a web page asks for the **playlist**, again and again, and fetches what is new. This is all it is told (HTTP
# Live Streaming, HLS). The numbers say in which order fragments came, their order when they were filmed:

# %%
from dsys_lab.brokers.video_stream import playlist

# %%
print(playlist.written(bed.playlist(11 * s, count=3), is_live=True))

# %% [markdown]
# ## Look inside
#
# Gaps are whatever the fragments leave open, in whichever order they came:

# %%
from dsys_lab.brokers.video_stream.fragments import gaps

# %%
show_source(gaps)

# %% [markdown]
# The life of a fragment:
#
# ```mermaid
# stateDiagram-v2
#     direction LR
#     [*] --> filmed : key frame
#     filmed --> device : complete
#     device --> on_its_way : link
#     on_its_way --> device : no answer
#     on_its_way --> archive : persisted
#     device --> gap : no room, no power
#     filmed --> gap : no power
#     archive --> too_old : retention
# ```

# %% [markdown]
# ## Predict
#
# The question of the whole lab, to write down before you see it. More such questions follow, each at the head of its
# own experiment.

# %%
left = predict(
    "20/left",
    "The camera's link is down for 50 s. The device has room for 30 s of film, and "
    "lets its oldest go when that is full. What is there of these 50 s in the end?",
    choices=["all of it, later", "its first part", "its last part", "nothing"],
)
left

# %% [markdown]
# ## Play
#
# ### 1. How live is live?
#
# A fragment is uploaded when it is complete. The link here carries four seconds of film in a second, and the player waits
# until three fragments are there, so that it has something to play when one is late. With fragments of 2 s you saw the
# delay above.

# %%
delay = predict(
    "20/delay",
    "Fragments of 8 s, three of them before it plays. How far behind life is who joins "
    "at some moment, on average?",
    between=(0, 60),
    unit="s",
)
delay

# %%
three = counts.delays_s(0.5, 1, 2, 4, 8)
how_old = charts.against_law(
    {"counted": three},
    laws={"counted": counts.delay_by_law_s},
    title="How old is what one sees?",
    x="length of a fragment, s",
    y="seconds behind life",
)

# %%
_, counted, error = three[-1]
delay.reveal(
    counted,
    law=counts.delay_by_law_s(8),
    standard_error=error,
    why="The first frame of the oldest is as old as all three.",
    show=(
        player(
            live,
            fragment_s=(0.5, 8.0, 0.5),
            buffered=(1, 5),
            at={"fragment_s": 8.0, "buffered": 3},
        ),
        how_old,
    ),
)

# %% [markdown]
# With fragments of *f* seconds, *k* of them before it plays, and a way of *w* seconds, the delay is
#
# $$(k + u)\,f + w$$
#
# where *u* is between 0 and 1: how long ago the newest was complete when somebody joins. That is the floor of every way
# to send fragments, whoever sends them. What the service says of its own two ways:

# %%
facts("video_playlist", "video_hls_latency", "video_webrtc_latency")

# %% [markdown]
# ### 2. What does a key frame cost?
#
# Then why not fragments of a quarter of a second? Because each begins with a key frame. Here 32 seconds of such a
# film are encoded again, with a key frame every 4 s, every 0.5 s, and so on.

# %%
factor = predict(
    "20/key",
    "A key frame every 0.5 s instead of every 4 s: how many times as many bytes has "
    "the film?",
    between=(1, 12),
    unit="times",
)
factor

# %%
from dsys_lab.lessons import films

# %%
lengths = 0.25, 0.5, 1, 2, 4, 8
sizes, decoded = films.bytes_a_second(*lengths), films.frames_decoded(*lengths)
axes = {"x": "a key frame every so many s", "log_x": True, "log_y": True}
bytes_chart = charts.against_law(
    {"counted": sizes},
    laws={"counted": films.bytes_by_law},
    title="How many bytes has a second of film?",
    y="bytes",
    **axes,
)
frames_chart = charts.against_law(
    {"counted": decoded},
    laws={"counted": films.frames_by_law},
    title="How many frames are decoded to see one?",
    y="frames",
    **axes,
)

# %%
factor.reveal(
    sizes[1][1] / sizes[4][1],
    law=films.bytes_by_law(0.5) / films.bytes_by_law(4),
    why="A sleeper hardly moves: what changes is little, and a whole picture is much.",
    show=(bytes_chart, frames_chart),
)

# %% [markdown]
# With *K* bytes for a key frame, *c* for any other and *n* frames a second it is $n\,c + (K-c)/f$. (The two costs come from
# the films of 1 s and 4 s; the law says the others. Very close key frames are a little cheaper than that: the encoder
# spends fewer bytes on each.) The other side of it is the second chart: who wants to see a moment must decode from the
# key frame before it, half a fragment on average.
#
# ### 3. The link is down
#
# In this bedroom the reception is bad. While the link is down, the device holds what it can, and lets go of the oldest when
# it is full. Now your question of the beginning:

# %%
down = outage(down_s=50.0)
after = kept.archived(outage, down_s=50.0)
left.reveal(
    kept.what_is_left(after, 20, 50),
    why="The device kept the newest, and the archive lists what it does not have.",
    show=charts.sliding(
        lambda now_s: charts.film_strip(down, now_s),
        now_s=(2, 134, 2),
        at={"now_s": 76},
    ),
)

# %% [markdown]
# A gap is a plain answer, to be shown to whoever asks for the film of that night. What can still be done is to choose how
# much the device holds. The link is up for 300 s on average and then down for 30 s, at random (exponentially).

# %%
share = predict(
    "20/share",
    "Up for 300 s, down for 30 s, on average, and room for 60 s. What share of the "
    "film is lost?",
    between=(0, 10),
    unit="%",
)
share

# %%
shares = counts.shares_lost(0, 15, 30, 60, 90)
_, counted, error = shares[3]
share.reveal(
    100 * counted,
    law=100 * counts.share_by_law(60),
    standard_error=100 * error,
    why="Few outages last twice their mean; but those that do are long.",
    show=charts.against_law(
        {"counted": shares},
        laws={"counted": counts.share_by_law},
        title="How much of the film is lost?",
        x="room on the device, s",
        y="share of the film",
        log_y=True,
    ),
)

# %% [markdown]
# The law is $\frac{R}{M+R}\,e^{-b/R}$ for *M* seconds up, *R* down and room for *b* (and the fragment that goes next). The first
# factor is the law of lab 14, experiment 1; the second is what the device's room buys: each further *R* of it divides the
# loss by *e*, 2.7. The same run with both in your hands, and what it lets go of, the
# oldest or the newest. The lamp *every moment kept* jumps to the first fragment that is gone:

# %%
player(
    outage,
    down_s=(5.0, 60.0, 5.0),
    device_s=(0.0, 60.0, 5.0),
    lets_go=["oldest", "newest"],
    at={"down_s": 50.0, "device_s": 30.0},
)

# %% [markdown]
# And the real film, uploaded through such an outage, with little room on the device. First what the archive can play,
# without a break: watch the clock in the corner. Then any moment of it: the slider asks for a second, the archive finds
# the fragment (green on its shelf; orange is the gap), and *only that one* is read and decoded.

# %%
through = {"film": film, "down_s": 16.0, "device_s": 6.0, "link_x": 3.0}
shelf = kept.fragments(kept.archived(outage, **through))
Played(film, shelf, "a sleeper; after a while the clock in the corner jumps")

# %%
moments(film, shelf, at_s=15.5)

# %% [markdown]
# ### 4. What first?
#
# The link is back after 20 s and carries *x* = 1.5 seconds of film in a second. Meanwhile the camera films on. By the drain
# of lab 01, experiment 2, the device has caught up after $w/(x-1)$ seconds, if *w* seconds of film wait; as each fragment
# also waits for the answer about the one before, *x* is a little smaller:

# %%
[(link_x, caught_up_s, _)] = counts.catch_ups_s(1.5)
law_s = counts.catch_up_by_law_s(link_x)
print(f"caught up {caught_up_s:.1f} s after the link is back, law {law_s:.1f} s")

# %% [markdown]
# All that time there is a choice: which fragment goes first? And somebody watches live, from before the outage on.

# %%
behind_at_the_end = predict(
    "20/behind-at-the-end",
    "The oldest goes first. The device has caught up long ago: how far behind life is "
    "the picture of who watched all the time?",
    between=(0, 60),
    unit="s",
)
behind_at_the_end

# %%
orders = {f"{sends} first": outage(sends=sends) for sends in ("oldest", "newest")}
behind = {name: counts.last_delay_s(run) for name, run in orders.items()}
seen = {name: counts.fragments_seen(run) for name, run in orders.items()}

# %%
behind_at_the_end.reveal(
    behind["oldest first"],
    why="It stood still for the outage, and has played each second since.",
    show=(
        player(*orders.values(), titles=tuple(orders)),
        charts.bars(behind, title="How far behind life at the end?", unit="s"),
        charts.bars(seen, title="What was seen of the film?", unit="fragments"),
    ),
)

# %% [markdown]
# In both lanes the archive is whole in the end. Who watches live sees the past in the first lane, and is behind by the
# length of the outage for good; in the second the present, and not what was filmed meanwhile.
#
# ### 5. A buffer in the player
#
# A link is rarely down, but often *shaky*: here an upload takes half a fragment's length on average, now less and now
# more (exponentially). When the next fragment is not there in time, the picture stands still, a **stall**. Who begins
# with a single fragment of 2 s is about 4.5 s behind at first.

# %%
at_last = predict(
    "20/stalls",
    "A player on the shaky link begins with one fragment, some 4.5 s behind. How far "
    "behind is it after two minutes?",
    between=(0, 20),
    unit="s",
)
at_last

# %%
first, last = counts.first_delays_s(1, 2, 3, 5), counts.end_delays_s(1, 2, 3, 5)
still = counts.still_shares(1, 2, 3, 5)
delays_chart = charts.against_law(
    {"the first picture": first, "the last picture": last},
    laws={"the first picture": counts.first_by_law_s},
    title="How far behind life?",
    x="fragments before it plays",
    y="seconds",
    whole_x=True,
)
still_chart = charts.against_law(
    {"counted": still},
    laws={},
    title="How much of two minutes does it stand still?",
    x="fragments before it plays",
    y="share of the time",
    whole_x=True,
)

# %%
_, counted, error = last[0]
at_last.reveal(
    counted,
    standard_error=error,
    why="A stall is never made up for: the player has a larger buffer from then on.",
    show=(player(shaky, buffered=(1, 5)), delays_chart, still_chart),
)

# %% [markdown]
# More fragments before it plays: fewer stalls, and behind from the start. It is the buffer of lab 13 once more: it buys
# smoothness with delay. The law is that of experiment 1, for the first picture, and the wait of an upload for
# the one before it (a queue at which fragments come at equal intervals); the last picture is older by all stalls.
#
# ### 6. The camera's clock is wrong
#
# The archive notes two times of each fragment: when it was filmed, by the camera's clock, and when it came, by its own.
# After 10 s the camera's clock jumps two minutes ahead. The camera films on without a break, and the link holds.

# %%
clock = predict(
    "20/clock",
    "The camera's clock jumps two minutes ahead while it films. How many seconds of "
    "gap does the archive list, by the camera's time?",
    between=(0, 300),
    unit="s",
)
clock

# %%
jump = {"do": "skew", "target": "camera", "at_s": 10.0, "value": 120.0}
skewed = kept.archived(live, faults=[jump])
clock.reveal(
    kept.gap_s(skewed, 0, 160),
    why="Nobody filmed at those times, says the camera's clock.",
    show=charts.film_strip(
        live(faults=[jump]), 30, title="A gap that never was, after 30 s of filming"
    ),
)

# %% [markdown]
# And somebody who was in the room and asks for second 25?

# %%
for whose, fragment in kept.found(skewed, 25).items():
    print(f"by {whose}: {fragment}")

# %% [markdown]
# Nothing by the camera's clock. The archive's own clock finds it; but it is wrong about all that waited on the device. So both times are
# kept, and neither is enough alone.
#
# ### 7. For how long?
#
# An archive keeps a fragment for its **retention**, from when it came. Here it is 30 s. What is too old turns grey, and
# the edge follows:

# %%
kept_30 = edge()
charts.sliding(
    lambda now_s: charts.film_strip(kept_30, now_s), now_s=(1, 84), at={"now_s": 55}
)

# %% [markdown]
# And if one says nothing? The service's retention is nought then; it keeps a fragment in memory for a while, and no longer:

# %%
facts("video_retention_default", "video_buffer", "video_buffer_bytes")

# %% [markdown]
# The archive here does the same. A camera films for an hour, and then somebody comes to look:

# %%
charts.bars(
    {f"{h:g} h": counts.seen_by_who_comes_late_min(h) for h in (0, 0.5, 24)},
    title="How much can be seen after an hour, by retention?",
    unit="min",
)

# %% [markdown]
# ## Break it
#
# **The camera's power fails** for six seconds, at 15.3 s. How long is the gap?

# %%
power = predict(
    "20/power",
    "The camera is without power for 6 s, while it films fragments of 2 s. How long is "
    "the gap in the archive?",
    choices=["shorter", "just as long", "longer"],
)
power

# %%
off = {"do": "crash", "target": "camera", "at_s": 15.3, "lasts_s": 6.0}
broken = live(faults=[off])
power.reveal(
    kept.compared_with(kept.archived(live, faults=[off]), 0, 40, 6),
    why="What was not complete is gone, too, and a new fragment needs a key frame.",
    show=charts.sliding(
        lambda now_s: charts.film_strip(broken, now_s), now_s=(1, 44), at={"now_s": 30}
    ),
)

# %% [markdown]
# **A key frame is missing.** Half of a fragment came through a broken link. What can be seen of its second half? First
# the decoder, then the archive, which is told that such a fragment does not begin with a key frame:

# %%
print(films.cut_in_half(film, 3))
bed.put(13 * s, Fragment("f5", 10 * s, 2 * s, b"...", key=False))
kept.gaps_s(bed, 0, 12)

# %% [markdown]
# Nothing can be decoded until the next key frame, so the archive keeps it and calls it a gap: what cannot be seen is not
# there.
#
# **The answer is lost.** The archive has *f4*, the camera does not know, and sends it again:

# %%
twice = {"do": "split", "target": "camera", "at_s": 8.51, "lasts_s": 0.02}
status = kept.archived(live, faults=[twice]).status()
print(f"put: {status.put}, repeated: {status.repeated}, kept: {status.kept}")

# %% [markdown]
# It came again (*repeated*), and is there once: a fragment has a name, and the archive knows it. Break it yourself: stop
# any player and press **G**. Cut the camera off (nothing is lost while there is room), crash the archive (what was
# persisted is there), close the viewer.

# %% [markdown]
# ## Measure
#
# What does the promise cost, every fragment on disk before its answer? Half a megabyte each, two seconds of 2 Mbit/s, on
# a real folder, against a plain file with a sync for each, and without; in turns:

# %%
from dsys_lab.benchmark import interleaved
from dsys_lab.benchmark.videos import appended, put

# %%
plain, synced, ours = interleaved(appended, lambda: appended(safe=True), put)
ratios, unit = [b / a for a, b in zip(synced, ours, strict=True)], "times as long"
measured(ratios, unit, usually="about as long as a file with a sync for each")

# %%
unsafe = [b / a for a, b in zip(plain, ours, strict=True)]
measured(unsafe, unit, usually="several times as long as without a sync")

# %% [markdown]
# It is the disk's sync that one waits for. Now the service's own interface. boto3 asks each call of a stream's life once,
# of the stand-in *moto*:

# %%
from dsys_lab.engines.aws import video_stream as boto3_video
from dsys_lab.lessons.tables import table

# %%
table(("call", "what for", "answer"), boto3_video.answers())

# %% [markdown]
# So this stand-in shows names, addresses and retention, and not a single fragment; and boto3 alone could not put one even
# into a real account, for cameras have a library of their own. What a service does otherwise than the model:

# %%
differences(boto3_video.VIDEO)

# %% [markdown]
# Could one do without the service? A **bucket** (lab 07) has keys in order. With the time in front of each key, a moment
# is one list and one get. The real film, in S3's interface on moto:

# %%
from dsys_lab.engines.aws.film_shelf import FilmShelf
from dsys_lab.engines.aws.object_store import S3Bucket

# %%
with S3Bucket() as bucket:
    in_s3 = FilmShelf(bucket)
    keys = [in_s3.put(one) for one in shelf]
    found = in_s3.moment(5 * s)
    missing = [f"gap: {a / s:g} to {b / s:g} s" for a, b in in_s3.gaps(0, 48 * s)]
print(keys[2], found.message, *missing, sep="\n")

# %% [markdown]
# The same gap, found from names alone. What is missing then is what a service for video adds: when a fragment *came*, a
# retention of seconds, playlists, and a door for players.

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | somebody looks at cameras now and then, seconds late is fine | a **video stream**, fragments of 1 to 2 s, HLS | the live delay |
# | somebody steers or speaks by the picture | **WebRTC**, frame by frame; archive beside it | lost frames |
# | film is evidence | room on the device for several mean outages, oldest first, retention said | seconds of gap a day |
# | the link is slower than the film for long | a lower rate, or film that stays on the device until asked for | what waits |
# | key frames are dear (little moves) | longer fragments | frames to decode |
# | viewers have shaky links | more fragments before it plays | stalls |
# | clocks of cameras cannot be trusted | both times, and a check of one against the other | their difference |
# | a clip is made once, and looked at later | no stream: a file in an **object store** (lab 07), and a queue (lab 16) to encode it | |
# | small events, not pictures | a **log** (lab 17) | |

# %% [markdown]
# ## Exercises

# %%
exercise("20/behind")


# %%
def behind(fragment_s, buffered, way_s): ...


exercise("20/behind", behind)

# %%
exercise("20/settings")


# %%
def settings(): ...


exercise("20/settings", settings)

# %%
exercise("20/missing")


# %%
def missing(fragments, start, end): ...


exercise("20/missing", missing)

# %% [markdown]
# **Design question.** Six cameras in each bus.

# %%
exercise("20/fleet")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Amazon Kinesis Video Streams Developer Guide: *PutMedia*, *Video playback with HLS*; *with WebRTC* Developer Guide;
#   service models in botocore; read in November 2026.
# - Pantos and May, "HTTP Live Streaming", RFC 8216, 2017.
# - ISO/IEC 14496-12, the boxes of MP4; ITU-T H.264, key frames (IDR) and what depends on them.
# - PyAV and FFmpeg, whose libraries make and read the film here.
#
# Beyond one machine: a service spreads streams over machines, puts playlists and fragments at the edge of the net (CDN) so
# that a million can watch one camera, encodes the same film at several rates for links of several speeds, and moves old
# fragments to colder shelves. For many viewers by WebRTC a server hands each frame on (SFU). The floor of experiment 1
# stays: it lies in the fragments.
