"""A few sentences in each of many languages, written for these tests, and the encodings that people used for them."""

# ruff: noqa: RUF001
from __future__ import annotations

from typing import Final

WESTERN: Final = "cp1252 iso8859_1 iso8859_15 cp850 mac_roman"
CENTRAL: Final = "cp1250 iso8859_2 cp852 mac_latin2"
BALTIC: Final = "cp1257 iso8859_13 cp775"

LANGUAGES: Final[dict[str, tuple[str, str]]] = {
    "Albanian": (
        "cp1252 iso8859_1 cp850",
        """Gjyshja ime jetonte në një fshat të vogël pranë lumit, ku dimri zgjaste shumë.
Çdo mëngjes ajo ndizte zjarrin dhe përgatiste çajin për të gjithë ne.
Kur bënte ftohtë, qeni ynë flinte brenda, pranë derës së kuzhinës.
Ne nuk kishim shumë gjëra, por shtëpia ishte gjithmonë plot këngë.
Sot rruga është e shtruar dhe atje vijnë njerëz nga qyteti për të parë malet.
Unë ende e mbaj mend erën e bukës që piqej në furrë.
""",
    ),
    "Arabic": (
        "cp1256 iso8859_6",
        """كان جدي يملك دكانا صغيرا في وسط السوق القديم، وكان يبيع فيه التوابل والقهوة.
كل صباح كنت أذهب معه قبل شروق الشمس لكي نفتح الباب الخشبي الكبير.
كان الناس يأتون من القرى البعيدة ويجلسون معنا ويحكون أخبار السفر والمطر.
في المساء كنا نعود إلى البيت ونحن متعبون، لكن رائحة القهوة تبقى في ثيابنا.
اليوم صار الدكان مكتبة للأطفال، وما زال الباب القديم في مكانه.
""",
    ),
    "Belarusian": (
        "cp1251 iso8859_5",
        """Раніцай над ракой стаяў густы туман, і на другім беразе нічога не было відаць.
Стары рыбак ужо сядзеў у лодцы і чакаў, пакуль узыдзе сонца.
Яго ўнучка трымала ў руках кошык з хлебам і яблыкамі.
Яны плылі моўчкі, толькі вёслы ціха пляскалі па вадзе.
Калі туман разышоўся, з лесу выйшаў лось і доўга глядзеў на іх.
Увечары дзяўчынка расказала пра гэта ўсёй вёсцы.
""",
    ),
    "Bulgarian": (
        "cp1251 iso8859_5 cp866 mac_cyrillic",
        """В малкото планинско село живееше часовникар, който никога не бързаше.
Хората му носеха стари часовници и той ги поправяше с търпение и любов.
Един ден момче от съседната къща го попита защо работи толкова бавно.
„Времето не обича да го пришпорват“, отговори старецът и се усмихна.
Оттогава момчето идваше всеки следобед, за да се учи на занаята.
След много години то отвори своя работилница в града.
""".replace("„", '"').replace("“", '"'),
    ),
    "Catalan": (
        WESTERN,
        """La meva àvia sempre deia que el millor pa era el que es feia a poc a poc.
Cada dissabte anàvem al mercat de la plaça a comprar taronges, cols i formatge.
El peixater ens coneixia i guardava per a nosaltres les sardines més fresques.
Després, asseguts sota el pi, escoltàvem les històries d'un vell mariner.
Ell havia vist illes on no hi havia ningú i ports plens de llums de colors.
Quan es feia fosc, tornàvem a casa per un camí que feia olor de farigola.
""",
    ),
    "Chinese, simplified": (
        "gb18030 gbk gb2312",
        """昨天晚上下了一场大雨，院子里的花都被打湿了。
外婆坐在窗边，一边喝茶一边给我们讲她小时候的故事。
那时候村子里没有电灯，孩子们晚上都在月光下面玩。
有一次他们在河边捡到一只受伤的小鸟，就把它带回家养了起来。
到了春天，小鸟的翅膀好了，它在屋顶上叫了几声，然后飞走了。
外婆说，从那以后，每年春天她都会抬头看看天空。
""",
    ),
    "Chinese, traditional": (
        "big5 cp950 big5hkscs",
        """昨天晚上下了一場大雨，院子裡的花都被打濕了。
外婆坐在窗邊，一邊喝茶一邊給我們講她小時候的故事。
那時候村子裡沒有電燈，孩子們晚上都在月光下面玩。
有一次他們在河邊撿到一隻受傷的小鳥，就把牠帶回家養了起來。
到了春天，小鳥的翅膀好了，牠在屋頂上叫了幾聲，然後飛走了。
外婆說，從那以後，每年春天她都會抬頭看看天空。
""",
    ),
    "Croatian": (
        CENTRAL,
        """Na otoku nije bilo mnogo kuća, ali je svaka imala vrt i staru maslinu.
Moj djed je svako jutro izlazio na more, čak i kad je puhala jaka bura.
Žene su na obali krpale mreže i pričale o onome što se dogodilo u gradu.
Djeca su tražila školjke i skrivala ih ispod čamaca kao pravo blago.
Kad bi pala noć, svjetionik je bacao svjetlo sve do naših prozora.
Još uvijek čujem šum valova čim zaklopim oči.
""",
    ),
    "Czech": (
        CENTRAL,
        """Když jsem byl malý, jezdili jsme každé léto na chalupu pod lesem.
Dědeček tam měl včely a babička nám pekla koláče s tvarohem a švestkami.
Večer jsme seděli u ohně a poslouchali, jak v trávě cvrčí kobylky.
Jednou v noci přišla bouřka a blesk udeřil do staré lípy u potoka.
Ráno jsme našli v jejím kmeni dutinu plnou dopisů z minulého století.
Nikdo už nevěděl, kdo je psal, ale příběhy v nich byly krásné.
""",
    ),
    "Danish": (
        WESTERN,
        """Vores lille hus lå helt ude ved kysten, hvor vinden aldrig holdt op med at blæse.
Om morgenen gik jeg ned på stranden for at lede efter rav mellem stenene.
Min bedstefar røg på sin pibe og fortalte om de år, hvor han sejlede på Østersøen.
Når det blev mørkt, tændte vi lyset i køkkenet og spiste rugbrød med ål.
En gang fandt vi en flaske med et brev, som nogen havde skrevet for længe siden.
Det hænger stadig på væggen, selv om vi ikke kan læse et ord af det.
""",
    ),
    "Dutch": (
        WESTERN,
        """Mijn oma had een café aan de haven, waar alle schippers hun koffie dronken.
Ze kende iedereen bij naam en wist precies wie er suiker in wilde hebben.
's Avonds vertelde ze verhalen over haar reizen naar België en Italië.
Eén verhaal ging over een hond die geïnteresseerd naar de zeeën bleef kijken.
Hij wachtte drie jaar op zijn baas en die kwam uiteindelijk écht terug.
De coördinatie van het feest daarna was volgens haar een chaos met patiënten en al.
""",
    ),
    "English with marks": (
        "cp1252 cp1250 cp1254 cp1257 mac_roman",
        """“I don’t think we’ve met,” said the old man, and he put down his newspaper.
The girl looked at him — she hadn’t expected anybody to be awake so early.
“It’s a long way to the harbour,” he went on; “you’d better take my bicycle.”
She couldn’t ride one, but she wouldn’t have said so for all the world.
So they walked, and he told her about the winter when the river froze.
“That’s where the mill stood,” he said, and there wasn’t anything to see.
""",
    ),
    "Esperanto": (
        "iso8859_3",
        """Mia avo loĝis en malgranda domo ĉe la rivero, kie ĉiam aŭdiĝis la akvo.
Ĉiun matenon li iris al la ĝardeno por rigardi, ĉu la floroj jam malfermiĝis.
Hieraŭ li diris al mi, ke la birdoj revenos antaŭ la fino de la monato.
Ni sidis ĝis la nokto sub la arbo kaj manĝis pomojn kaj fromaĝon.
Poste li kantis malnovan kanton pri ŝipo, kiu serĉis novan landon.
Mi ankoraŭ memoras ĝin, kvankam li delonge forpasis.
""",
    ),
    "Estonian": (
        f"{BALTIC} iso8859_15 iso8859_4",
        """Meie talu asus suure järve ääres, kus talvel oli jää nii paks, et sai üle sõita.
Isa püüdis kala ja ema küpsetas ahjus musta leiba.
Õhtuti istusime köögis ning kuulasime, kuidas tuul puude vahel ulus.
Ükskord tuli ukse taha rebane ja vaatas meile otse silma.
Me andsime talle tüki liha ja ta läks vaikselt minema.
Hommikul olid lumes ainult väikesed jäljed, mis viisid metsa poole.
""",
    ),
    "Finnish": (
        WESTERN,
        """Mökki oli pienen järven rannalla, ja kesällä siellä oli valoisaa läpi yön.
Isä lämmitti saunan, ja me lapset juoksimme laiturilta suoraan veteen.
Äiti keräsi mustikoita metsästä ja teki niistä piirakkaa koko väelle.
Eräänä iltana näimme hirven, joka seisoi hiljaa kaislikossa ja katsoi meitä.
Kukaan ei uskaltanut sanoa mitään, ettei se pelästyisi.
Vieläkin ajattelen sitä hetkeä, kun kävelen yksin kaupungin kaduilla.
""",
    ),
    "French": (
        WESTERN,
        """Mon grand-père réparait des vélos dans une petite boutique près de la gare.
Il disait toujours qu'une chaîne bien graissée vaut mieux qu'un long discours.
L'été, nous partions à la mer et il m'apprenait à reconnaître les étoiles.
Le soir, on mangeait des crêpes sur la terrasse en écoutant la radio du voisin.
Un jour, il a trouvé une lettre cachée sous la selle d'une très vieille bicyclette.
Personne n'a jamais su à qui elle était destinée, mais il l'a gardée jusqu'à la fin.
""",
    ),
    "German": (
        WESTERN,
        """Früher stand am Ende unserer Straße eine Mühle, die längst nicht mehr mahlte.
Der Müller saß trotzdem jeden Tag vor der Tür und grüßte alle, die vorübergingen.
Meine Großmutter erzählte, er habe einmal ein Schiff gehabt und die ganze Welt gesehen.
Wir Kinder glaubten das natürlich nicht, bis er uns eines Abends seine Karten zeigte.
Überall hatte er mit grüner Tinte kleine Kreuze gemacht und Wörter dazugeschrieben.
Später hörten wir, dass er sie alle dem Museum in der Hauptstadt geschenkt hätte.
""",
    ),
    "Greek": (
        "cp1253 iso8859_7 mac_greek",
        """Ο παππούς μου είχε ένα μικρό καΐκι και ψάρευε κάθε νύχτα κοντά στο νησί.
Όταν γύριζε το πρωί, η γιαγιά τον περίμενε στο λιμάνι με ζεστό καφέ.
Τα παιδιά τρέχαμε να δούμε τι είχε πιάσει και μαλώναμε για τα κοχύλια.
Μια φορά έφερε μια χελώνα που είχε μπλέξει στα δίχτυα του.
Την κρατήσαμε λίγες μέρες στην αυλή και μετά την αφήσαμε πάλι στη θάλασσα.
Από τότε κάθε καλοκαίρι κοιτάζω τα κύματα και τη θυμάμαι.
""",
    ),
    "Hebrew": (
        "cp1255 iso8859_8 cp862",
        """סבא שלי גר בבית קטן ליד הים, ובכל בוקר הוא יצא לטייל על החוף.
הוא אסף צדפים ואבנים יפות ושם אותן בקופסה ישנה של תה.
כשהיינו באים לבקר, הוא היה מספר לנו על המסע הארוך שלו באונייה.
סבתא הכינה מרק חם ולחם, וכולם ישבו מסביב לשולחן עד הלילה.
היום הקופסה נמצאת אצלי, ואני מראה אותה לילדים שלי.
""",
    ),
    "Hungarian": (
        CENTRAL,
        """A nagyapám erdész volt, és minden fának tudta a nevét a környéken.
Nyáron vele mehettem, és ő megmutatta, hol fészkelnek a gólyák és a baglyok.
Egyszer egy őzgidát találtunk, amelyik elveszett a sűrű bozótban.
Hazavittük, tejet adtunk neki, és az istállóban aludt a szénán.
Ősszel már olyan erős volt, hogy átugrotta a kerítést, és eltűnt az erdőben.
Azóta ha őzet látok, mindig azt hiszem, hogy ő köszön vissza.
""",
    ),
    "Icelandic": (
        "cp1252 iso8859_1 cp861 mac_iceland",
        """Afi minn bjó í litlum torfbæ undir fjallinu og átti þrjátíu kindur.
Á veturna var svo dimmt að við kveiktum ljós um miðjan daginn.
Hann sagði okkur sögur af álfum sem bjuggu í klettunum við sjóinn.
Einu sinni týndist lambið hans í þoku og fannst ekki fyrr en um vorið.
Þá stóð það á hólnum og hafði stækkað svo mikið að enginn þekkti það.
Amma hló og sagði að huldufólkið hefði gefið því að éta.
""",
    ),
    "Irish": (
        "cp1252 iso8859_1 iso8859_14",
        """Bhí cónaí ar mo sheanmháthair i dteach beag in aice na farraige.
Gach maidin théadh sí síos chun na trá agus bhailíodh sí feamainn don ghairdín.
D'inis sí scéalta dúinn faoi na daoine a chuaigh thar sáile fadó.
Lá amháin tháinig rón óg isteach sa chuan agus d'fhan sé ann go dtí an oíche.
Thugamar iasc dó agus rinne sé torann mar a bheadh páiste ag gáire.
Níor chreid éinne ar scoil muid nuair a dúramar leo é.
""",
    ),
    "Italian": (
        WESTERN,
        """Mia nonna abitava in una città piccola, dove tutti si conoscevano già da bambini.
Ogni domenica preparava le lasagne e diceva che il segreto è la pazienza.
Dopo pranzo si andava al caffè della piazza, perché lì c'era sempre qualcuno che suonava.
Un giorno arrivò un circo e l'elefante si fermò davanti alla fontana: non volle più muoversi.
Restò là finché mio zio non gli portò un cesto di mele e un po' di libertà.
Così imparai che la virtù più rara non è la forza, ma la gentilezza.
""",
    ),
    "Japanese": (
        "cp932 shift_jis euc_jp iso2022_jp",
        """祖父は小さな町で時計屋をしていました。
店の中にはたくさんの古い時計があり、どれも少しずつ違う音で鳴りました。
夏休みになると、わたしは毎日そこへ行って、祖父の仕事を見ていました。
ある日、知らないおばあさんが壊れた懐中時計を持って来ました。
祖父は三日かけて直し、お金はいらないと言いました。
その時計は、五十年前に祖父が初めて作ったものだったのです。
""",
    ),
    "Korean": (
        "cp949 euc_kr johab",
        """우리 할머니는 바닷가 작은 마을에서 혼자 사셨다.
아침마다 마당에 나가 닭에게 모이를 주고 꽃에 물을 주셨다.
여름 방학이 되면 나는 기차를 타고 할머니 댁에 가서 한 달을 지냈다.
밤에는 마루에 누워 별을 보면서 옛날이야기를 들었다.
어느 날 할머니는 상자에서 오래된 사진 한 장을 꺼내 보여 주셨다.
사진 속에는 나와 똑같이 생긴 아이가 웃고 있었다.
""",
    ),
    "Latvian": (
        f"{BALTIC} iso8859_4",
        """Mana vecmāmiņa dzīvoja mazā mājā meža malā, kur rudenī auga daudz sēņu.
Katru rītu viņa gāja pēc ūdens uz aku un dziedāja vecas dziesmas.
Ziemā mēs sēdējām pie krāsns un klausījāmies, kā vējš pūš skurstenī.
Reiz pie loga atnāca stirna un ilgi skatījās uz mums.
Mēs izlikām sienu pagalmā, un nākamajā dienā tur bija daudz pēdu.
Kopš tā laika es ticu, ka dzīvnieki saprot vairāk, nekā mēs domājam.
""",
    ),
    "Lithuanian": (
        f"{BALTIC} iso8859_4",
        """Mano senelis gyveno prie ežero ir kiekvieną rytą plaukdavo žvejoti.
Jis žinojo visas paukščių rūšis ir galėjo atpažinti jas iš balso.
Vasarą mes rinkdavome mėlynes, o močiutė virdavo iš jų uogienę.
Kartą per audrą žaibas trenkė į seną ąžuolą, augusį šalia kelio.
Jo kamiene radome dėžutę su laiškais, kuriuos kažkas paslėpė per karą.
Senelis ilgai tylėjo ir paskui pasakė, kad tai jo brolio raštas.
""",
    ),
    "Macedonian": (
        "cp1251 iso8859_5 cp855",
        """Дедо ми имаше мала воденица покрај реката и мелеше жито за целото село.
Секое утро јас му носев леб и сирење, а тој ми раскажуваше приказни.
Еднаш водата толку многу надојде што го однесе мостот.
Луѓето стоеја на брегот и не знаеја како ќе поминат на другата страна.
Тогаш дедо врза јаже за едно дрво и преплива со него до нив.
Потоа сите заедно направија нов мост, кој стои и ден-денес.
""",
    ),
    "Norwegian": (
        WESTERN,
        """Bestefar bodde på en liten øy hvor det bare var fire hus og et fyrtårn.
Om sommeren rodde vi ut for å fiske, og måkene fulgte etter båten.
Han lærte meg å lese været av skyene og å høre når vinden snudde.
En kveld så vi lys på sjøen, og det kom et gammelt skip seilende forbi.
Ingen andre på øya hadde sett det, men bestefar nikket bare og smilte.
Først mange år senere forsto jeg hva han hadde ment.
""",
    ),
    "Persian": (
        "cp1256",
        """پدربزرگ من در يک روستاي کوچک زندگي مي کرد و باغ بزرگي داشت.
هر تابستان ما به آنجا مي رفتيم و از درخت ها سيب و گيلاس مي چيديم.
شب ها روي پشت بام مي خوابيديم و به ستاره ها نگاه مي کرديم.
مادربزرگ چاي درست مي کرد و براي ما قصه هاي قديمي مي گفت.
حالا آن باغ ديگر نيست، اما من هنوز بوي آن گل ها را به ياد دارم.
""",
    ),
    "Polish": (
        CENTRAL,
        """Mój dziadek był zegarmistrzem i potrafił naprawić każdą rzecz, która tykała.
W jego pracowni pachniało olejem, a na ścianach wisiały dziesiątki zegarów.
Kiedy byłam mała, siadałam na podłodze i słuchałam, jak wszystkie biją południe.
Pewnego dnia przyszedł żołnierz i położył na stole złamany zegarek z dewizką.
Dziadek naprawiał go przez całą noc, a rano nie chciał wziąć pieniędzy.
Powiedział tylko, że są rzeczy, których wartości nie da się policzyć.
""",
    ),
    "Portuguese": (
        WESTERN,
        """O meu avô tinha um barco pequeno e saía para o mar antes de nascer o sol.
Às vezes levava-me com ele e ensinava-me os nomes dos ventos e das estrelas.
Ao almoço comíamos pão com sardinhas e ouvíamos a rádio da aldeia vizinha.
Uma manhã encontrámos uma caixa de madeira cheia de canções escritas à mão.
Ninguém sabia de quem eram, mas a professora tocou-as no órgão da igreja.
Desde então, em todas as festas, a aldeia canta as canções que o mar trouxe.
""",
    ),
    "Romanian": (
        "cp1250 iso8859_2 cp852",
        """Bunicul meu avea o livadă mare, unde creşteau meri, pruni şi nuci bătrâni.
Toamna veneau toţi vecinii să ne ajute, iar seara se făcea foc în curte.
Bunica pregătea plăcinte cu brânză şi ne spunea poveşti despre haiduci.
Într-o noapte am auzit un zgomot ciudat şi am ieşit cu toţii afară.
Un urs tânăr stătea sub cel mai înalt măr şi mânca liniştit din coş.
Nimeni n-a ţipat; bunicul a zâmbit şi a zis că şi lui îi este foame.
""",
    ),
    "Romanian with commas": (
        "iso8859_16",
        """Bunicul meu avea o livadă mare, unde creșteau meri, pruni și nuci bătrâni.
Toamna veneau toți vecinii să ne ajute, iar seara se făcea foc în curte.
Bunica pregătea plăcinte cu brânză și ne spunea povești despre haiduci.
Într-o noapte am auzit un zgomot ciudat și am ieșit cu toții afară.
Un urs tânăr stătea sub cel mai înalt măr și mânca liniștit din coș.
Nimeni n-a țipat; bunicul a zâmbit și a zis că și lui îi este foame.
""",
    ),
    "Russian": (
        "cp1251 koi8_r iso8859_5 cp866 mac_cyrillic",
        """Мой дед служил на железной дороге и знал расписание всех поездов наизусть.
По вечерам он зажигал лампу, садился у окна и слушал, как стучат колёса.
Летом мы ходили с ним за грибами и возвращались домой с полными корзинами.
Однажды возле станции мы нашли щенка, который дрожал от холода под скамейкой.
Дед завернул его в свою шинель и понёс домой, не сказав ни слова.
С тех пор они были неразлучны и вместе встречали каждый поезд.
""",
    ),
    "Serbian": (
        "cp1251 iso8859_5 mac_cyrillic cp855",
        """Мој деда је имао воћњак на брду и знао је сваку јабуку по имену.
У јесен смо сви заједно брали шљиве, а баба је кувала пекмез у дворишту.
Једне ноћи чули смо чудан звук и изашли напоље са фењером.
Испод највеће крушке стајало је ждребе које се изгубило у магли.
Деда га је одвео у шталу и сутрадан пронашао његовог газду.
Од тада нам је тај човек сваке године доносио сено и сир.
""",
    ),
    "Slovak": (
        CENTRAL,
        """Starý otec mal na kopci vinicu a každú jeseň sme mu chodili pomáhať.
Babka varila kapustnicu a piekla koláče, ktorých vôňu bolo cítiť až na ceste.
Večer sme sedeli pri ohni a počúvali príbehy o zbojníkoch a zakliatych zámkoch.
Raz v noci prišla taká búrka, že voda odniesla lavičku cez potok.
Ráno sme v bahne našli truhlicu plnú mincí, ktoré nikto nepoznal.
Dnes ležia v múzeu a pod sklom je napísané meno môjho starého otca.
""",
    ),
    "Slovenian": (
        CENTRAL,
        """Moj ded je bil čebelar in je imel panje na robu gozda.
Vsako jutro je šel pogledat, če so čebele že poletele na ajdo.
Poleti smo otroci spali na senu in poslušali, kako šumi reka.
Nekega večera je prišel medved in prevrnil dva panja.
Ded ni rekel ničesar, samo nasmehnil se je in pospravil satje.
Rekel je, da ima tudi medved rad sladke reči in da žene vse isto hrepenenje.
""",
    ),
    "Spanish": (
        WESTERN,
        """Mi abuela vivía en un pueblo pequeño donde las campanas marcaban las horas.
Por la mañana iba al huerto y volvía con tomates, pimientos y una canción nueva.
En verano dormíamos con las ventanas abiertas y se oía el río toda la noche.
Un día llegó un señor con una cámara y pidió permiso para hacer fotografías.
Ella se puso su mejor vestido y no quiso sonreír, porque decía que así salía más guapa.
¿Quién iba a pensar que aquella imagen daría la vuelta al mundo años después?
""",
    ),
    "Swedish": (
        WESTERN,
        """Min farfar var fyrvaktare och bodde på ett skär långt ute i havet.
Varje kväll gick han uppför den branta trappan för att tända lampan.
På sommaren fick jag följa med, och då metade vi abborre från klipporna.
En natt kom det så tät dimma att vi inte såg handen framför ögonen.
Då ringde han i den gamla klockan ända tills gryningen kom.
Nästa dag kom tre fiskare och tackade honom för att de hade hittat hem.
""",
    ),
    "Thai": (
        "cp874 tis_620 iso8859_11",
        """คุณยายของฉันอยู่ในหมู่บ้านเล็ก ๆ ริมแม่น้ำ
ทุกเช้าท่านจะตื่นก่อนพระอาทิตย์ขึ้นแล้วหุงข้าวใส่บาตร
ตอนปิดเทอมฉันชอบไปอยู่กับท่านและเล่นน้ำกับเพื่อนทั้งวัน
วันหนึ่งเราพบลูกแมวตัวหนึ่งลอยมากับเรือเก่า
คุณยายอุ้มมันขึ้นมา เช็ดตัวให้แห้ง แล้วให้มันนอนข้างเตาไฟ
ตั้งแต่นั้นมาแมวตัวนั้นก็เดินตามท่านไปทุกที่
""",
    ),
    "Turkish": (
        "cp1254 iso8859_9 cp857",
        """Dedem küçük bir kasabada saatçilik yapardı ve hiç acele etmezdi.
Dükkânın duvarlarında yüzlerce saat asılıydı, her biri başka bir şey söylerdi.
Yazın yanına gider, tezgâhın arkasında oturup onu seyrederdim.
Bir gün yaşlı bir kadın geldi ve kırık bir köstekli saat bıraktı.
Dedem üç gün uğraştı, sonunda saati çalıştırdı ama para almadı.
Çünkü o saati elli yıl önce kendi elleriyle yapmıştı.
""",
    ),
    "Ukrainian": (
        "cp1251 koi8_u iso8859_5 mac_cyrillic cp1125",
        """Мій дідусь тримав пасіку біля лісу й добре знав усі квіти в окрузі.
Улітку ми їздили до нього всією родиною і спали просто на сіні.
Бабуся пекла пиріжки з вишнями, а ввечері співала старих пісень.
Якось уночі знялася така буря, що повалила велику тополю біля хати.
Уранці ми знайшли в її дуплі скриньку з листами, які хтось сховав колись давно.
Дідусь довго мовчав, а потім сказав, що це почерк його брата.
""",
    ),
    "Vietnamese": (
        "cp1258",
        """Bà ngoại tôi sống trong một ngôi nhà nhỏ bên bờ sông.
Mỗi buổi sáng bà dậy sớm, nấu cơm và tưới rau ngoài vườn.
Mùa hè chúng tôi về thăm bà, tắm sông và nghe bà kể chuyện ngày xưa.
Một hôm có con chim nhỏ bị thương rơi xuống trước cửa.
Bà chăm sóc nó cho đến khi nó bay được trở lại.
Từ đó năm nào nó cũng về hót trên cành cây trước nhà.
""",
    ),
}
